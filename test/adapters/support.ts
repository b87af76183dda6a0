import { Writable } from 'node:stream'
import { currentTraceId, mdc, runWithTrace } from 'tracelane'

/** A destination that takes lines slowly, so that a logger which waits for it is under backpressure. */
export class SlowDestination extends Writable {
  readonly lines: string[] = []

  constructor() {
    super({ decodeStrings: false, objectMode: false, highWaterMark: 1024 })
  }

  override _write(chunk: string | Buffer, _encoding: string, done: () => void): void {
    this.lines.push(...String(chunk).split('\n').slice(0, -1))
    setImmediate(done)
  }
}

/** A transport that holds every entry until it is let go, so that winston keeps all that come after. */
export class StuckTransport extends Writable {
  level?: string
  readonly #held: (() => void)[] = []
  #open = false

  constructor() {
    super({ objectMode: true, highWaterMark: 1 })
  }

  log(): void {}

  letGo(): void {
    this.#open = true
    for (const done of this.#held.splice(0)) done()
  }

  override _write(_info: unknown, _encoding: string, done: () => void): void {
    if (this.#open) done()
    else this.#held.push(done)
  }
}

/**
 * 100 users at a time, each in a trace of its own, log `lines` lines each through `log`, in bursts that keep the logger under
 * backpressure; resolves with the trace id of each user.
 */
export async function burst(lines: number, log: (user: number, line: number) => void): Promise<string[]> {
  const ids: string[] = []
  const flows = Array.from({ length: 100 }, (_, user) =>
    runWithTrace(async () => {
      ids[user] = currentTraceId() as string
      mdc.put('tenant', `t${user}`)
      for (let line = 0; line < lines; line++) {
        log(user, line)
        if (line % 50 === user % 50) await new Promise((resolve) => setImmediate(resolve))
      }
    }),
  )
  await Promise.all(flows)
  return ids
}

/** How many of `lines` (JSON with `user`, `traceId`, `tenant`) do not carry the id and the MDC of their user. */
export function wrong(lines: readonly string[], ids: readonly string[]): number {
  return lines
    .map((line) => JSON.parse(line) as { user: number; traceId?: string; tenant?: string })
    .filter(({ user, traceId, tenant }) => traceId !== ids[user] || tenant !== `t${user}`).length
}
