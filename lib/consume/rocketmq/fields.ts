import { readRepeated, type Status } from '../../sinks'

/** What is in a message of the protocol. Everything in one may be missing. */
export class Fields {
  readonly #fields: ReadonlyMap<number, readonly (number | Uint8Array)[]>

  constructor(bytes: Uint8Array) {
    this.#fields = readRepeated(bytes) ?? new Map()
  }

  has(field: number): boolean {
    return this.#fields.has(field)
  }

  number(field: number): number {
    const value = this.#fields.get(field)?.at(-1)
    return typeof value === 'number' ? value : 0
  }

  bytes(field: number): Buffer {
    const value = this.#fields.get(field)?.at(-1)
    return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : Buffer.alloc(0)
  }

  text(field: number): string {
    return this.bytes(field).toString()
  }

  message(field: number): Fields {
    return new Fields(this.bytes(field))
  }

  messages(field: number): Fields[] {
    const values = this.#fields.get(field) ?? []
    return values.flatMap((value) => (value instanceof Uint8Array ? new Fields(value) : []))
  }

  /** A field that has a code and its words. */
  status(field: number): Status {
    const status = this.message(field)
    return { code: status.number(1), message: status.text(2) }
  }
}
