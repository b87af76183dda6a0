/** The right to send, given back when the send is over. */
export interface SendPermit {
  /** Gives it back; further calls do nothing. */
  release(): void
}

/** A timer that can be called off. */
export type After = (ms: number, then: () => void) => { cancel(): void }

interface Waiting {
  readonly take: (permit: SendPermit) => void
  readonly timer: { cancel(): void }
}

/** The semaphore of sends whose receipt nobody waits for. Who waits is served in order. */
export class SendPermits {
  readonly #most: number
  readonly #after: After
  readonly #waiting = new Set<Waiting>()
  #inFlight = 0

  constructor(most: number, after: After) {
    this.#most = most
    this.#after = after
  }

  /** How many permits are taken. */
  get inFlight(): number {
    return this.#inFlight
  }

  /**
   * Resolves with a permit. Rejects when there was none within `timeoutMs` milliseconds, at once if that is 0, with how many wait and how many
   * are in flight.
   */
  acquire(timeoutMs: number): Promise<SendPermit> {
    if (this.#inFlight < this.#most) return Promise.resolve(this.#give())
    if (timeoutMs === 0) return Promise.reject(this.#refusal(timeoutMs, this.#waiting.size))
    return new Promise((resolve, reject) => {
      const timer = this.#after(timeoutMs, () => {
        const waiting = this.#waiting.size
        this.#waiting.delete(mine)
        reject(this.#refusal(timeoutMs, waiting))
      })
      const mine: Waiting = { take: resolve, timer }
      this.#waiting.add(mine)
    })
  }

  #give(): SendPermit {
    this.#inFlight++
    let isTaken = true
    return {
      release: () => {
        if (!isTaken) return
        isTaken = false
        this.#inFlight--
        this.#serveNext()
      },
    }
  }

  #serveNext(): void {
    const [next] = this.#waiting
    if (next === undefined) return
    this.#waiting.delete(next)
    next.timer.cancel()
    next.take(this.#give())
  }

  #refusal(timeoutMs: number, waiting: number): Error {
    return new Error(`no permit to send within ${timeoutMs} ms: ${waiting} waiting, ${this.#inFlight} in flight`)
  }
}
