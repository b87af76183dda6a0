import { types } from 'node:util'
import { counters } from '../diagnostics'
import { quote } from '../internal/quote'
import { childNode, noRedaction, type PathNode, type Redactor } from '../redaction'

const MAX_DEPTH = 16
/*
 * How much of one value is written: each part counts 1, a string 1 more for each 256 characters. Objects that refer to each other
 * (entities of an ORM, sockets) have so many paths through them that 16 levels may be more than any machine can write.
 */
const MAX_PARTS = 100_000

/* What the value that is being written needs to know. `run` keeps it when a getter or `toJSON` logs and so comes here again. */
let partsLeft = MAX_PARTS
let above: object[] = []
let redactor: Redactor = noRedaction

/**
 * Any value as JSON on one line. Never throws: a cycle, a throwing getter or `toJSON`, nesting deeper than 16 and what
 * comes after the first 100,000 values is replaced by a note in brackets; BigInt becomes a string, Map an object, Set an array, bytes base64, NaN and infinities strings,
 * `undefined`, functions and symbols a note. What `by` calls secret is not in it; a layout has its redactor from `origin.redactor`.
 */
export function toJson(value: unknown, by: Redactor = noRedaction): string {
  return isObject(value) ? run(by, value, undefined, write) : scalar(value, by)
}

/** An error as `{ type, message, stack, cause? }`, with its own enumerable fields; anything else as `toJson` has it. */
export function errorToJson(error: unknown, by: Redactor = noRedaction): string {
  return run(by, error, childNode(by.paths, 'err'), write)
}

/**
 * The value of field `key` of an event as JSON; undefined if it is left out: because it is undefined, or because it is secret and secrets are
 * removed.
 */
export function fieldToJson(key: string, value: unknown, by: Redactor): string | undefined {
  if (value === undefined) return undefined
  if (by.isSecretField(key)) return secretToJson(value, by)
  return isObject(value) ? run(by, value, childNode(by.paths, key), write) : scalar(value, by)
}

/* No secret: what says that there is none, or whether there is one. */
function secretToJson(value: unknown, by: Redactor): string | undefined {
  if (value === null || typeof value === 'boolean') return String(value)
  return by.removes ? undefined : by.inPlaceOf(value, () => toJson(value))
}

function run<T>(by: Redactor, value: T, at: PathNode | undefined, work: (value: T, at: PathNode | undefined) => string): string {
  const [partsBefore, aboveBefore, redactorBefore] = [partsLeft, above, redactor]
  partsLeft = MAX_PARTS
  above = []
  redactor = by
  try {
    return work(value, at)
  } finally {
    partsLeft = partsBefore
    above = aboveBefore
    redactor = redactorBefore
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function write(value: unknown, at: PathNode | undefined): string {
  partsLeft--
  if (isObject(value)) return writeObject(value, at)
  if (typeof value === 'string') partsLeft -= value.length >> 8
  return scalar(value, redactor)
}

function scalar(value: unknown, by: Redactor): string {
  switch (typeof value) {
    case 'string':
      return textToJson(value, by)
    case 'number':
      return numberToJson(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'bigint':
      return `"${value}"`
    case 'object':
      return 'null'
    default:
      return quote(`[${typeof value}]`)
  }
}

/* Texts longer than this are looked at by patterns. */
const SHORT = 128
const SPACE = 0x20
const LETTER_A = 0x61
/* ASCII characters that JSON escapes, or before which there may be the name of a secret: `:`, `=`, and the space behind `Bearer`. */
const SPECIAL: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) =>
  code <= SPACE || '"\\:=\u007f'.includes(String.fromCharCode(code)) ? 1 : 0,
)

/** A text as JSON, without the secrets that `by` finds in it. */
export function textToJson(text: string, by: Redactor): string {
  return isPlain(text) ? `"${text}"` : quote(by.text(text))
}

/** Whether a text can stand in JSON as it is, and no secret can be in it. False for long ones, which are looked at otherwise. */
export function isPlain(text: string): boolean {
  const { length } = text
  if (length > SHORT) return false
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80 && SPECIAL[code] === 0) continue
    // The third letter of `bearer` and the second of `basic` stand four before the space.
    if (code === SPACE && (i < 4 || (text.charCodeAt(i - 4) | 0x20) !== LETTER_A)) continue
    return false
  }
  return true
}

/** How many bytes `copyPlain` may write. */
export const MAX_PLAIN = SHORT

/** Copies a text for which `isPlain` is true to `into`, from `at` on, a byte for each character, and returns true; false if it is not plain. */
export function copyPlain(text: string, into: Uint8Array, at: number): boolean {
  const { length } = text
  if (length > SHORT) return false
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    into[at + i] = code
    if (code < 0x80 && SPECIAL[code] === 0) continue
    if (code === SPACE && (i < 4 || (text.charCodeAt(i - 4) | 0x20) !== LETTER_A)) continue
    return false
  }
  return true
}

const HUNDREDTHS: readonly string[] = Array.from({ length: 100 }, (_, i) => String(i / 100).slice(1))
const MAX_HUNDREDTHS = 2 ** 30

/** A number as JSON; NaN and infinities as texts. */
export function numberToJson(value: number): string {
  if (Number.isInteger(value)) return `${value}`
  /*
   * Amounts of money have two decimals. If the nearest hundredth is the very same number, its digits are the shortest that name it, which is what
   * `String` writes, and V8 needs three times as long to find them.
   */
  const hundredths = value * 100
  if (value > 0 && hundredths < MAX_HUNDREDTHS) {
    const nearest = Math.round(hundredths)
    const whole = Math.floor(nearest / 100)
    if (nearest / 100 === value) return whole + (HUNDREDTHS[nearest - whole * 100] as string)
  }
  return Number.isFinite(value) ? `${value}` : `"${value}"`
}

function writeObject(value: object, at: PathNode | undefined): string {
  if (above.includes(value)) return note('cycle')
  if (above.length === MAX_DEPTH) return note('too deep')
  above.push(value)
  try {
    if (Array.isArray(value)) return writeItems(value.length, (i) => value[i], at)
    if (isError(value)) return writeError(value, at)
    if (value instanceof Map) return writeEntries(value.entries(), at)
    if (value instanceof Set) {
      const items = value.values()
      return writeItems(value.size, () => items.next().value, at)
    }
    if (value instanceof Uint8Array) return quote(Buffer.from(value).toString('base64'))
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') return write(toJSON.call(value), at)
    return `{${ownFields(value, at)}}`
  } catch (error) {
    return note(`threw: ${reasonOf(error)}`)
  } finally {
    above.pop()
  }
}

function tooLarge(): string {
  return `"...":${note('too large')}`
}

/* By index, because a hole in a sparse array has a place in the text too; so has a secret that is removed. */
function writeItems(count: number, itemAt: (i: number) => unknown, at: PathNode | undefined): string {
  let text = ''
  for (let i = 0; i < count; i++) {
    if (partsLeft <= 0) return `[${joined(text, note('too large'))}]`
    const inside = at === undefined ? undefined : childNode(at, String(i))
    const item = itemAt(i)
    text = joined(text, inside?.secret === true ? (secretToJson(item, redactor) ?? 'null') : write(item, inside))
  }
  return `[${text}]`
}

function ownFields(value: object, at: PathNode | undefined): string {
  let text = ''
  for (const key of Object.keys(value)) {
    if (partsLeft <= 0) return joined(text, tooLarge())
    text = joined(text, writeField(value as Record<string, unknown>, key, at))
  }
  return text
}

function writeField(holder: Record<string, unknown>, key: string, at: PathNode | undefined): string {
  try {
    const value = holder[key]
    return value === undefined ? '' : entry(key, value, at)
  } catch (error) {
    return redactor.plan(key).quoted + note(`getter threw: ${reasonOf(error)}`)
  }
}

/* `"key":value`; empty for a secret that is removed. */
function entry(key: string, value: unknown, at: PathNode | undefined): string {
  const { quoted, secret } = redactor.plan(key)
  const inside = at === undefined ? undefined : childNode(at, key)
  if (!secret && inside?.secret !== true) return quoted + write(value, inside)
  const replaced = secretToJson(value, redactor)
  return replaced === undefined ? '' : quoted + replaced
}

function writeEntries(entries: Iterable<[unknown, unknown]>, at: PathNode | undefined): string {
  let text = ''
  for (const [key, value] of entries) {
    if (partsLeft <= 0) return `{${joined(text, tooLarge())}}`
    text = joined(text, entry(String(key), value, at))
  }
  return `{${text}}`
}

function writeError(error: Error, at: PathNode | undefined): string {
  let text = `"type":${textToJson(String(error.name || error.constructor.name), redactor)}`
  text += `,"message":${textToJson(String(error.message), redactor)}`
  if (error.stack !== undefined) text += `,"stack":${textToJson(String(error.stack), redactor)}`
  if (error.cause !== undefined) text = joined(text, entry('cause', error.cause, at))
  if (error instanceof AggregateError) text = joined(text, entry('errors', error.errors, at))
  for (const key of Object.keys(error)) {
    if (!ERROR_FIELDS.has(key)) text = joined(text, writeField(error as unknown as Record<string, unknown>, key, at))
  }
  return `{${text}}`
}

const ERROR_FIELDS: ReadonlySet<string> = new Set(['type', 'name', 'message', 'stack', 'cause', 'errors'])

/** Whether a value is an error. `instanceof` knows those of one realm only; Jest and vm contexts have others. Never throws. */
export function isError(value: unknown): value is Error {
  try {
    return types.isNativeError(value) || value instanceof Error
  } catch {
    // A proxy that throws, or was revoked
    return false
  }
}

function joined(text: string, part: string): string {
  if (part === '') return text
  return text === '' ? part : `${text},${part}`
}

/* A reason may quote what was secret. */
function note(text: string): string {
  counters.valuesReplaced++
  return textToJson(`[${text}]`, redactor)
}

/** What is written, as the field `fields`, in the place of the fields of a call that threw `error` when they were read. */
export function unreadable(error: unknown, by: Redactor): string {
  counters.valuesReplaced++
  return by.text(`[threw: ${reasonOf(error)}]`)
}

/** What a thrown value says of itself. Never throws. */
export function reasonOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error)
  } catch {
    return 'unknown'
  }
}
