import type { KeptBatch } from '../batch-part'
import type { AsyncSink, SinkBatch } from '../sink'

/** `prepare` of a decorator, if one of the sinks below it has one. It is to give them the very batches that they are sent. */
export function preparing(sinks: readonly AsyncSink[], prepare: (batch: SinkBatch) => void): Pick<AsyncSink, 'prepare'> {
  return sinks.some((sink) => sink.prepare !== undefined) ? { prepare } : {}
}

/** What is found out of a batch once, be it when it is prepared or when it is sent. */
export class Looked<T> {
  readonly #look: (whole: KeptBatch) => T
  readonly #found = new WeakMap<KeptBatch, T>()

  constructor(look: (whole: KeptBatch) => T) {
    this.#look = look
  }

  at(whole: KeptBatch): T {
    const known = this.#found.get(whole)
    if (known !== undefined) return known
    const found = this.#look(whole)
    this.#found.set(whole, found)
    return found
  }
}
