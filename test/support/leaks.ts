import { setTimeout as delay } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { strayTempFiles } from './temp-folder'

/** What is open at one moment. */
export interface Snapshot {
  readonly resources: ReadonlyMap<string, number>
  readonly listeners: ReadonlySet<unknown>
  readonly tempFiles: ReadonlySet<string>
  readonly workers: ReadonlySet<Worker>
}

/* Closing takes a few turns: 'close' events, HTTP/2 goodbyes, a worker's exit. Only a test that leaks waits this long. */
const GRACE_MS = 400
const TURN_MS = 5

const workers = new Set<Worker>()
const rejections: unknown[] = []

function noteWorker(worker: Worker): void {
  workers.add(worker)
  worker.once('exit', () => workers.delete(worker))
}

function noteRejection(reason: unknown): void {
  rejections.push(reason)
}

/** Watches worker threads and unhandled rejections. To be called for each file: mocha takes listeners off when one has run in its pool. */
export function watchProcess(): void {
  process.off('worker', noteWorker).on('worker', noteWorker)
  process.off('unhandledRejection', noteRejection).on('unhandledRejection', noteRejection)
}

/** What is open now. Asynchronous because mocha's own timer for a hook is there from the hook's first `await` on. */
export async function snapshot(): Promise<Snapshot> {
  await null
  return look()
}

function look(): Snapshot {
  const resources = new Map<string, number>()
  for (const kind of process.getActiveResourcesInfo()) resources.set(kind, (resources.get(kind) ?? 0) + 1)
  const listeners = new Set(process.eventNames().flatMap((event) => process.rawListeners(event as 'exit')))
  return { resources, listeners, tempFiles: new Set(strayTempFiles()), workers: new Set(workers) }
}

/** The unhandled rejections since the last call. */
export function takeRejections(): unknown[] {
  return rejections.splice(0)
}

/** What is open now and was not open `before`, one sentence each, after the grace of a few turns. */
export async function leaksSince(before: Snapshot, allowed: ReadonlySet<string> = new Set()): Promise<string[]> {
  const deadline = performance.now() + GRACE_MS
  // One turn at least: a rejection becomes unhandled when the microtasks have run
  await delay(0)
  let found = compare(before, look(), allowed)
  while (found.length > 0 && performance.now() < deadline) {
    await delay(TURN_MS)
    found = compare(before, look(), allowed)
  }
  return [...found, ...takeRejections().map((reason) => `an unhandled rejection: ${String(reason)}`)]
}

function compare(before: Snapshot, now: Snapshot, allowed: ReadonlySet<string>): string[] {
  const found: string[] = []
  for (const [kind, count] of now.resources) {
    const more = count - (before.resources.get(kind) ?? 0)
    if (more > 0 && !allowed.has(kind)) found.push(`${more} active ${kind}`)
  }
  for (const worker of now.workers) if (!before.workers.has(worker)) found.push(`worker thread ${worker.threadId}`)
  for (const file of now.tempFiles) if (!before.tempFiles.has(file)) found.push(`temp file ${file}`)
  for (const event of process.eventNames()) {
    const added = process.rawListeners(event as 'exit').filter((listener) => !before.listeners.has(listener))
    if (added.length > 0) found.push(`${added.length} listener on process '${String(event)}'`)
  }
  return found
}
