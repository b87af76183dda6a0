import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { jsonLinesOf } from './json-lines'
import type { RunningProgram } from './processes'
import { startNode } from './processes'
import { projectFile } from './project'
import { tempFolder } from './temp-folder'

/** A line of a log file. */
export type Line = Readonly<Record<string, unknown>>

/** A service of test/fixtures/volume/service.cjs. */
export interface VolumeService {
  readonly url: string
  readonly program: RunningProgram
  /** The lines in its file, those of the loggers of the kit itself too. */
  lines(): Line[]
}

/** What a service is started with. */
export interface VolumeServiceOptions {
  readonly next?: VolumeService | undefined
  readonly trust?: unknown
  readonly targets?: readonly string[]
  readonly configure?: object
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a service that logs to a file of its own and calls `next`. */
export async function startService(name: string, options: VolumeServiceOptions = {}): Promise<VolumeService> {
  const { next, env = {}, ...others } = options
  const file = join(tempFolder(), `${name}.log`)
  const argument = JSON.stringify({ name, file, next: next?.url, ...others })
  const program = startNode([projectFile('test/fixtures/volume/service.cjs'), argument], { env })
  const [, port] = await program.waitForOutput(/port (\d+)/)
  const lines = (): Line[] => (existsSync(file) ? jsonLinesOf(file) : [])
  return { url: `http://127.0.0.1:${port}`, program, lines }
}

/** Starts a chain of services, each of which calls the next; the first is the first of `names`. */
export async function startChain(names: readonly string[], options: VolumeServiceOptions = {}): Promise<VolumeService[]> {
  const services: VolumeService[] = []
  for (const name of names.toReversed()) services.unshift(await startService(name, { next: services[0], ...options }))
  return services
}

/** Ends services, which then have all their lines in their files. */
export async function stopServices(services: readonly VolumeService[]): Promise<void> {
  await Promise.all(services.map(({ program }) => program.stop()))
}
