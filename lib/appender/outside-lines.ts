/** The lines of one queue that are too large for its ring, until their frames are resolved: in order, by number. */
export class OutsideLines {
  readonly #lines = new Map<number, { readonly text: string; readonly bytes: number; readonly end: number }>()
  #bytes = 0
  #next = 1

  /** Bytes that are kept here. */
  get bytes(): number {
    return this.#bytes
  }

  /** The number of the next line. */
  get next(): number {
    return this.#next
  }

  /** Keeps a line of `bytes` whose frame ends at position `end` of the ring. */
  add(text: string, bytes: number, end: number): void {
    this.#lines.set(this.#next++, { text, bytes, end })
    this.#bytes += bytes
  }

  /** The text of a line that is still kept. */
  text(payload: number): string | undefined {
    return this.#lines.get(payload)?.text
  }

  /** Forgets the lines whose frames end at or before `tail`. */
  forget(tail: number): void {
    for (const [payload, { bytes, end }] of this.#lines) {
      if (((tail - end) | 0) < 0) return
      this.#lines.delete(payload)
      this.#bytes -= bytes
    }
  }

  /** All that are kept, in order. */
  entries(): [payload: number, text: string][] {
    return [...this.#lines].map(([payload, { text }]) => [payload, text])
  }
}
