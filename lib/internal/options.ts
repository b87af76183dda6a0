import { TracelaneError } from '../errors'

/** Says what a value should have been, or undefined if it is right. */
export type Rule = (value: unknown) => string | undefined

/** Rules for the usual types of options. */
export const rules = {
  boolean: ((value) => (typeof value === 'boolean' ? undefined : 'true or false')) as Rule,
  function: ((value) => (typeof value === 'function' ? undefined : 'a function')) as Rule,
  string: ((value) => (typeof value === 'string' && value !== '' ? undefined : 'a text that is not empty')) as Rule,
  integer:
    (min: number, max: number): Rule =>
    (value) =>
      Number.isInteger(value) && (value as number) >= min && (value as number) <= max
        ? undefined
        : `an integer from ${min} to ${max}`,
  oneOf:
    (...names: readonly string[]): Rule =>
    (value) =>
      names.includes(value as string) ? undefined : `one of ${names.map((name) => `'${name}'`).join(', ')}`,
} as const

/**
 * Checks what a user gave as the options of `owner`; throws ERR_TRACELANE_OPTION_* with the cure. A value of undefined
 * means that the option was not given, which is wrong for `required` ones only.
 */
export function checkOptions(
  owner: string,
  given: unknown,
  known: Readonly<Record<string, Rule>>,
  required: readonly string[] = [],
): void {
  if (given === undefined && required.length === 0) return
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `${owner} takes an object of options, not ${typeName(given)}`)
  }
  for (const name of required) {
    if ((given as Record<string, unknown>)[name] !== undefined) continue
    throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `${owner} needs '${name}': ${known[name]?.(undefined)}`)
  }
  for (const [name, value] of Object.entries(given)) {
    const rule = Object.hasOwn(known, name) ? known[name] : undefined
    if (rule === undefined) throw unknownOption(owner, name, Object.keys(known))
    const expected = value === undefined ? undefined : rule(value)
    if (expected !== undefined) {
      throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `${owner}: '${name}' must be ${expected}, not ${typeName(value)}`)
    }
  }
}

function unknownOption(owner: string, name: string, known: readonly string[]): TracelaneError {
  const hint = known.length === 0 ? 'it takes none' : `did you mean '${nearest(name, known)}'? It knows ${known.join(', ')}`
  return new TracelaneError('ERR_TRACELANE_OPTION_UNKNOWN', `${owner} does not know '${name}': ${hint}`)
}

/** The one of `known` that is most like `name`; undefined if there is none. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  return [...known].sort((a, b) => distance(name, a) - distance(name, b))[0]
}

/* The value itself may be a secret, so messages name its type only, and numbers. A text or a list may be of the right type and wrong all the same. */
function typeName(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return value === '' ? 'an empty text' : 'this text'
  return Array.isArray(value) ? 'this list' : `a ${typeof value}`
}

/* Levenshtein distance, ignoring case. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1]?.toLowerCase() === b[j - 1]?.toLowerCase()
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + (same ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] ?? 0
}
