import type { SinkBatch } from './sink'

/** What batches become before they are sent; made while another one is on its way, if the sink is told of them in time. */
export class Prepared<T> {
  readonly #make: (batch: SinkBatch) => Promise<T>
  readonly #made = new WeakMap<SinkBatch, Promise<T>>()

  /** `make` reads the batch before its first `await`. */
  constructor(make: (batch: SinkBatch) => Promise<T>) {
    this.#make = make
  }

  /** Begins to make it. */
  begin(batch: SinkBatch): void {
    const made = this.#makeNow(batch)
    this.#made.set(batch, made)
    // Whoever sends the batch hears of it; or makes it again, which may go well.
    made.catch(() => this.#made.delete(batch))
  }

  /** What `batch` has become. Rejects as `make` does. */
  of(batch: SinkBatch): Promise<T> {
    return this.#made.get(batch) ?? this.#makeNow(batch)
  }

  /* What is thrown at once is a rejection too: whoever begins has nothing to do with it. */
  async #makeNow(batch: SinkBatch): Promise<T> {
    return this.#make(batch)
  }
}
