import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Diagnosis, Finding } from 'tracelane/diagnose'
import { installPacked, jsonLinesOf, type Outcome, projectFile, runNode, tempFolder } from '../support'

/** What a program did with the doctor, and what the doctor said of each process and thread. */
export interface Examined {
  readonly outcome: Outcome
  readonly diagnoses: readonly Diagnosis[]
}

/** Adds nothing to the environment of the test run. */
type Env = Readonly<Record<string, string | undefined>>

/** The flags that switch the doctor on. */
export const DOCTOR = ['--import', 'tracelane/doctor'] as const

/** An application with the fixtures as its sources that has installed the tarball, and links to `packages`. */
export async function appWith(packages: readonly string[] = []): Promise<string> {
  const folder = tempFolder()
  cpSync(projectFile('test/fixtures/doctor'), folder, { recursive: true })
  await installPacked(folder, packages)
  return folder
}

/** Runs `args` in `folder` with the doctor. */
export async function examine(folder: string, args: readonly string[], env: Env = {}): Promise<Examined> {
  const outcome = await runNode([...DOCTOR, ...args], { cwd: folder, env: { TRACELANE_DOCTOR_FILE: reportOf(folder), ...env } })
  return { outcome, diagnoses: reportsIn(folder) }
}

/** Runs `args` in `folder` with the doctor, and gives the one diagnosis that it must have made. */
export async function diagnosisOf(folder: string, args: readonly string[], env: Env = {}): Promise<Diagnosis> {
  const { outcome, diagnoses } = await examine(folder, args, env)
  const [diagnosis] = diagnoses
  if (diagnosis === undefined || diagnoses.length > 1 || outcome.code !== 0) {
    throw new Error(`${args.join(' ')}: ${diagnoses.length} diagnoses, ended with ${outcome.code}\n${outcome.stderr}`)
  }
  return diagnosis
}

/** The file to which the doctor writes for people of `folder`. */
export function reportOf(folder: string): string {
  return join(folder, 'doctor.ndjson')
}

/** Each diagnosis in that file. */
export function reportsIn(folder: string): readonly Diagnosis[] {
  const file = reportOf(folder)
  return existsSync(file) ? (jsonLinesOf(file) as unknown as Diagnosis[]) : []
}

/** The codes of the findings, in their order. */
export function codesOf({ findings }: Diagnosis): readonly string[] {
  return findings.map(({ code }) => code)
}

/** The one finding with `code`. */
export function findingOf({ findings }: Diagnosis, code: string): Finding {
  const found = findings.filter((finding) => finding.code === code)
  const [only] = found
  if (only === undefined || found.length > 1)
    throw new Error(`${found.length} ${code} in ${JSON.stringify(findings, undefined, 2)}`)
  return only
}
