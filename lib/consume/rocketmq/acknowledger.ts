import type { ConsumerProxy } from './proxy'
import type { Receipt } from './wire'

const MAX_AT_ONCE = 128

/** Tells the proxy what is handled, in order, one request after the other. */
export class Acknowledger {
  readonly #proxy: Pick<ConsumerProxy, 'acknowledge'>
  readonly #onFailure: (error: unknown) => void
  #waiting: Receipt[] = []
  #running: Promise<void> | undefined
  #closed = false

  constructor(proxy: Pick<ConsumerProxy, 'acknowledge'>, onFailure: (error: unknown) => void) {
    this.#proxy = proxy
    this.#onFailure = onFailure
  }

  add(receipts: readonly Receipt[]): void {
    if (this.#closed) return
    this.#waiting.push(...receipts)
    this.#running ??= this.#run()
  }

  /** What is handled from now on is somebody else's. */
  close(): void {
    this.#closed = true
  }

  /** Resolves when the proxy knows all that was handled, or cannot be told. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    await null
    while (this.#waiting.length > 0 && !this.#closed) {
      try {
        await this.#proxy.acknowledge(this.#waiting.splice(0, MAX_AT_ONCE))
      } catch (error) {
        this.#closed = true
        this.#onFailure(error)
      }
    }
    this.#running = undefined
  }
}
