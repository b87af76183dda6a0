import type { EventEmitter } from 'node:events'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A moment to look again, in milliseconds. */
const LOOK_AGAIN_MS = 5

/** Waits for `event` and gives its arguments; rejects on 'error', and after `deadlineMs` with a sentence that names both. */
export async function eventOf(emitter: EventEmitter, event: string, deadlineMs = 10_000): Promise<unknown[]> {
  const signal = AbortSignal.timeout(deadlineMs)
  try {
    return (await once(emitter, event, { signal })) as unknown[]
  } catch (error) {
    throw signal.aborted ? new Error(`no '${event}' within ${deadlineMs} ms`) : error
  }
}

/** Waits until `condition` gives something else than undefined or false, and gives that. For files, which have no event. */
export async function until<T>(what: string, condition: () => T | undefined | false, deadlineMs = 10_000): Promise<T> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const value = condition()
    if (value !== undefined && value !== false) return value
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}

/** A port of 127.0.0.1 that nobody listens on now. Prefer port 0 where the server can say which it got. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
