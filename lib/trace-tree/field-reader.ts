/** A JSON object as it was parsed. */
export type JsonObject = Record<string, unknown>

/** True for an object that is no array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Takes known fields out of one parsed line; what nobody took is left over.
 *
 * A dotted name is found as a flat key (`"trace.id"`) or nested (`{"trace":{"id":...}}`), since ECS is written both ways.
 */
export class FieldReader {
  readonly #record: JsonObject
  readonly #taken = new Set<string>()

  constructor(record: JsonObject) {
    this.#record = record
  }

  /** Takes the first of `names` whose value `accept` turns into something else than undefined. */
  take<T>(names: readonly string[], accept: (value: unknown) => T | undefined): T | undefined {
    for (const name of names) {
      const flat = Object.hasOwn(this.#record, name)
      const accepted = accept(flat ? this.#record[name] : this.#nested(name))
      if (accepted === undefined) continue
      this.#taken.add(flat ? name : name.slice(0, name.indexOf('.')))
      return accepted
    }
    return undefined
  }

  /** Takes all of `names` that stand flat in the line, whatever their values. */
  drop(names: readonly string[]): void {
    for (const name of names) this.#taken.add(name)
  }

  /** All fields that were not taken. */
  rest(): JsonObject {
    return Object.fromEntries(Object.entries(this.#record).filter(([name]) => !this.#taken.has(name)))
  }

  #nested(name: string): unknown {
    const dot = name.indexOf('.')
    if (dot === -1) return undefined
    const outer = this.#record[name.slice(0, dot)]
    const inner = name.slice(dot + 1)
    return isObject(outer) && Object.hasOwn(outer, inner) ? outer[inner] : undefined
  }
}
