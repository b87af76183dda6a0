import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type Audit, audit } from './loss-audit'
import { type Destination, fileDestination, httpDestination, pipeDestination } from './loss-destination'
import { projectFile } from './project'
import { obeyingPermissions, SmallDisk } from './small-disk'

const PROGRAM = projectFile('test/fixtures/loss/program.cjs')
const BROKEN_MS = 300
const RECOVERY_MS = 3_000
const DISK_MIB = 32

/** How a program ends, or what happens to it, in the order of the table. */
export const ENDINGS = [
  'natural end',
  'process.exit()',
  'throw',
  'unhandled rejection',
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGKILL at once',
  'SIGKILL +50 ms',
  'worker terminated',
  'worker out of memory',
  'main blocked',
  'disk full, then freed',
  'file removed',
  'directory read-only, then writable',
] as const

/** One of `ENDINGS`. */
export type Ending = (typeof ENDINGS)[number]

/** What to run. */
export interface LossRun {
  /** The module whose `open(config)` sets the logger up. */
  readonly logger: string
  /** Told to `logger`, which may have several. */
  readonly peer?: string
  readonly destination: 'file' | 'console' | 'http'
  readonly ending: Ending
  readonly durability?: 'none' | 'os' | 'disk'
  readonly count: number
  /** More options of `configure`. */
  readonly options?: object
  /** How long the main thread is blocked, for that ending. @default 2000 */
  readonly blockMs?: number
  /** When it is killed because it does not end by itself. @default 60000 */
  readonly deadlineMs?: number
  /** Node to run it with, and its flags. @default this one */
  readonly node?: readonly string[]
}

/** What was kept, and how the program ended. */
export interface LossResult extends Audit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
  /** It did not end by itself, and was killed at its deadline. */
  readonly endless: boolean
  /** What was kept while the main thread was blocked. */
  readonly whileBlocked?: number
}

/** Nothing could be run. */
export interface NotRun {
  /** What is not there: a destination of that kind, a worker to end, a disk that can be filled. */
  readonly missing: string
}

/* What the program does, for those endings that are not its own name; the rest is done to it from here. */
const DOES: Partial<Record<Ending, string>> = {
  'natural end': 'natural',
  'process.exit()': 'exit',
  throw: 'throw',
  'unhandled rejection': 'rejection',
  'worker terminated': 'worker-terminated',
  'worker out of memory': 'worker-oom',
  'main blocked': 'blocked',
  'disk full, then freed': 'broken',
  'file removed': 'file-removed',
  'directory read-only, then writable': 'broken',
}

/** A place for the destination that can be broken, and how that is repaired. */
interface Ground {
  readonly folder: string
  readonly command: readonly string[]
  repair(): void
  leave(): void
}

/** Runs one program that logs, ends it, and reads back what is left. Uses a new folder inside `folder`. */
export async function lossRun(run: LossRun, folder: string): Promise<LossResult | NotRun> {
  const ground = prepare(run, mkdtempSync(join(folder, 'loss-')))
  if (ground === undefined) return { missing: 'a disk of its own, which root can mount' }
  try {
    return await runOn(ground, run)
  } finally {
    ground.leave()
  }
}

function prepare({ ending, count }: LossRun, folder: string): Ground | undefined {
  const command: readonly string[] = []
  const leave = (): void => rmSync(folder, { recursive: true, force: true })
  if (ending === 'disk full, then freed') {
    const disk = SmallDisk.mount(folder, DISK_MIB, count * 40)
    const unmount = (): void => {
      disk?.unmount()
      leave()
    }
    return disk && { folder, command, repair: () => disk.free(), leave: unmount }
  }
  if (ending === 'directory read-only, then writable') {
    const obeying = obeyingPermissions()
    const inner = join(folder, 'read-only')
    mkdirSync(inner, { mode: 0o555 })
    return obeying && { folder: inner, command: obeying, repair: () => chmodSync(inner, 0o755), leave }
  }
  return { folder, command, repair() {}, leave }
}

async function destinationOf({ destination }: LossRun, folder: string): Promise<Destination & { removed?(size: number): void }> {
  if (destination === 'file') return fileDestination(folder)
  return destination === 'console' ? pipeDestination(folder) : await httpDestination()
}

async function runOn(ground: Ground, run: LossRun): Promise<LossResult | NotRun> {
  const destination = await destinationOf(run, ground.folder)
  const { ending, count, blockMs = 2_000, deadlineMs = 60_000, node = [process.execPath] } = run
  const config = { ...run, ending: DOES[ending] ?? 'waits', target: destination.target, blockMs }
  const [file = '', ...args] = [...ground.command, ...node, PROGRAM, JSON.stringify(config)]
  const env = { ...process.env, NODE_ENV: 'production' }
  const child = spawn(file, args, { env, stdio: ['pipe', destination.stdout, 'pipe', 'pipe'] })
  destination.started()
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  let endless = false
  const tooLate = setTimeout(() => {
    endless = true
    child.kill('SIGKILL')
  }, deadlineMs)
  ;(child.stdin as Writable).on('error', () => {})
  let stderr = ''
  ;(child.stderr as Readable).setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const kept = (): number => audit(destination.text(), count).kept
  let missing: string | undefined
  let whileBlocked: number | undefined
  for await (const said of createInterface({ input: child.stdio[3] as Readable })) {
    if (said.startsWith('missing ')) missing = said.slice(8)
    else if (said === 'no worker') missing = 'a worker'
    else if (said.startsWith('removed ')) destination.removed?.(Number(said.slice(8)))
    else if (ending === 'main blocked') {
      await delay(blockMs * 0.8)
      whileBlocked = kept()
    } else await happen(child, ending, ground, () => kept() >= count * 0.9)
  }
  const [code, signal] = await closed
  clearTimeout(tooLate)
  await destination.ended()
  if (missing !== undefined) return { missing }
  const blocked = whileBlocked === undefined ? {} : { whileBlocked }
  return { ...audit(destination.text(), count), code, signal, stderr, endless, ...blocked }
}

/* What is done to a program that has logged everything. */
async function happen(child: ChildProcess, ending: Ending, ground: Ground, recovered: () => boolean): Promise<void> {
  const [signal = '', wait] = ending.split(' ')
  if (signal.startsWith('SIG')) {
    if (wait === '+50') await delay(50)
    child.kill(signal as NodeJS.Signals)
    return
  }
  await delay(BROKEN_MS)
  ground.repair()
  for (let waited = 0; waited < RECOVERY_MS && !recovered(); waited += 20) await delay(20)
  child.stdin?.end()
}
