/** Tells a broker what is handled, one request after the other; what comes while one is on its way goes with the next. */
export class Confirmations<T> {
  readonly #send: (waiting: T[]) => Promise<unknown>
  readonly #onFailure: (error: unknown) => void
  readonly #waiting: T[] = []
  #running: Promise<void> | undefined
  #closed = false

  /** `send` takes out of what waits, in order, and sends it. A request that fails is the last one. */
  constructor(send: (waiting: T[]) => Promise<unknown>, onFailure: (error: unknown) => void) {
    this.#send = send
    this.#onFailure = onFailure
  }

  add(handled: readonly T[]): void {
    if (this.#closed) return
    this.#waiting.push(...handled)
    this.#running ??= this.#run()
  }

  /** What is handled from now on is somebody else's. */
  close(): void {
    this.#closed = true
  }

  /** Resolves when the broker knows all that was handled, or cannot be told. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    await null
    while (this.#waiting.length > 0 && !this.#closed) {
      try {
        await this.#send(this.#waiting)
      } catch (error) {
        this.#closed = true
        this.#onFailure(error)
      }
    }
    this.#running = undefined
  }
}
