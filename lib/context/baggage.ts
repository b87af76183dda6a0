/** One baggage member: its value, and its properties as they stood on the wire (`key=value;properties`). */
export interface BaggageEntry {
  readonly value: string
  readonly properties?: string | undefined
}

/**
 * Key/values that travel with a trace to other services (W3C Baggage). Immutable: `with` and `without` return new ones.
 */
export class Baggage {
  static readonly empty: Baggage = new Baggage(new Map())

  readonly #entries: ReadonlyMap<string, BaggageEntry>

  constructor(entries: Iterable<readonly [string, BaggageEntry]>) {
    this.#entries = new Map(entries)
    Object.freeze(this)
  }

  /** How many members there are. */
  get size(): number {
    return this.#entries.size
  }

  /** The value of `key`, or undefined. */
  get(key: string): string | undefined {
    return this.#entries.get(key)?.value
  }

  /** A copy in which `key` is `value`; the properties of an earlier member of that name are dropped. */
  with(key: string, value: string): Baggage {
    return new Baggage(new Map(this.#entries).set(key, { value }))
  }

  /** A copy without `key`. */
  without(key: string): Baggage {
    if (!this.#entries.has(key)) return this
    const entries = new Map(this.#entries)
    entries.delete(key)
    return new Baggage(entries)
  }

  /** Members in the order in which they were set. */
  entries(): IterableIterator<[string, BaggageEntry]> {
    return this.#entries.entries()
  }
}
