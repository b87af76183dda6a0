/*
 * JSON as bytes: where values end, and what numbers are, without making texts or objects of them. It takes JSON as layouts write it, without white space, and
 * gives up on whatever else, which may still be JSON: then JSON.parse says. What is scanned has a line break behind it, which
 * stands in no value and so ends each loop.
 */

export const BYTE = {
  lineBreak: 0x0a,
  quote: 0x22,
  comma: 0x2c,
  colon: 0x3a,
  backslash: 0x5c,
  openArray: 0x5b,
  closeArray: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const
const MINUS = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const LOWER_E = 0x65
const LOWER_U = 0x75
const LOWER_CASE = 0x20
const FIRST_PRINTABLE = 0x20
/* So many digits are a whole number that a double has exactly, and so is 10 to that power, so one division is right to the last bit. */
const EXACT_DIGITS = 15
const MAX_DEPTH = 32
const LITERALS: readonly Uint8Array[] = ['true', 'false', 'null'].map((text) => Buffer.from(text))
const POWERS: readonly number[] = Array.from({ length: EXACT_DIGITS + 1 }, (_, i) => 10 ** i)

/** 1 for the bytes that end the plain part of a text: the quotation mark, the backslash, control characters. */
export const STOPS: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < FIRST_PRINTABLE || byte === BYTE.quote || byte === BYTE.backslash ? 1 : 0,
)
const ESCAPABLE: Uint8Array = tableOf('"\\/bfnrt')
const HEX: Uint8Array = tableOf('0123456789abcdefABCDEF')
const ENDS: Uint8Array = tableOf(',]}')

/** The place of the first byte from `at` on that is not plain text. */
export function plainEnd(bytes: Uint8Array, at: number): number {
  let i = at
  while (STOPS[bytes[i] as number] === 0) i++
  return i
}

/** The place of the quotation mark that ends the text which goes on at `at`; -1 if none does. */
export function textEnd(bytes: Uint8Array, at: number): number {
  for (let i = plainEnd(bytes, at); ; i = plainEnd(bytes, i)) {
    if (bytes[i] === BYTE.quote) return i
    if (bytes[i] !== BYTE.backslash) return -1
    const escaped = bytes[i + 1] as number
    if (ESCAPABLE[escaped] === 1) i += 2
    else if (escaped === LOWER_U && isHex(bytes, i + 2)) i += 6
    else return -1
  }
}

/** The place after the number that begins at `at`; -1 if none does. */
export function numberEnd(bytes: Uint8Array, at: number): number {
  let i = bytes[at] === MINUS ? at + 1 : at
  const whole = i
  i = bytes[i] === ZERO ? i + 1 : digitsEnd(bytes, i)
  if (i === whole) return -1
  if (bytes[i] === DOT) {
    const from = i + 1
    i = digitsEnd(bytes, from)
    if (i === from) return -1
  }
  if (((bytes[i] as number) | LOWER_CASE) === LOWER_E) {
    const from = bytes[i + 1] === PLUS || bytes[i + 1] === MINUS ? i + 2 : i + 1
    i = digitsEnd(bytes, from)
    if (i === from) return -1
  }
  return i
}

/** Puts the number that begins at `at` into `into`; the place after it, or -1 if none does. */
export function readNumber(bytes: Uint8Array, at: number, into: { value: number }): number {
  let value = 0
  let fraction = 0
  let i = at
  for (; i - at < EXACT_DIGITS; i++) {
    const byte = bytes[i] as number
    if (byte >= ZERO && byte <= NINE) value = value * 10 + byte - ZERO
    else if (byte === DOT && fraction === 0) fraction = i + 1
    else break
  }
  if (ENDS[bytes[i] as number] === 1 && isPlain(bytes, at, fraction === 0 ? i : fraction - 1, fraction, i)) {
    into.value = fraction === 0 ? value : value / (POWERS[i - fraction] as number)
    return i
  }
  const end = numberEnd(bytes, at)
  if (end !== -1) into.value = Number(Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString('latin1'))
  return end
}

/* Whether there are digits before the point, not 0 and more, and after it, if there is one. */
function isPlain(bytes: Uint8Array, at: number, wholeEnd: number, fraction: number, end: number): boolean {
  return wholeEnd > at && (wholeEnd === at + 1 || bytes[at] !== ZERO) && fraction !== end
}

/** The place after the value that begins at `at`; -1 if none does, or too deep a one. */
export function valueEnd(bytes: Uint8Array, at: number, depth = 0): number {
  const byte = bytes[at] as number
  if (byte === BYTE.quote) {
    const end = textEnd(bytes, at + 1)
    return end === -1 ? -1 : end + 1
  }
  if (byte === BYTE.openObject || byte === BYTE.openArray) return depth === MAX_DEPTH ? -1 : listEnd(bytes, at, depth)
  if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return numberEnd(bytes, at)
  return literalEnd(bytes, at)
}

/** The place after `true`, `false` or `null` at `at`; -1 if none is there. */
export function literalEnd(bytes: Uint8Array, at: number): number {
  for (const literal of LITERALS) if (isAt(bytes, at, literal)) return at + literal.length
  return -1
}

/** Whether `bytes` have `part` at `at`. */
export function isAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  for (let i = 0; i < part.length; i++) if (bytes[at + i] !== part[i]) return false
  return true
}

function listEnd(bytes: Uint8Array, from: number, depth: number): number {
  const isObject = bytes[from] === BYTE.openObject
  const close = isObject ? BYTE.closeObject : BYTE.closeArray
  let at = from + 1
  if (bytes[at] === close) return at + 1
  for (;;) {
    if (isObject) {
      if (bytes[at] !== BYTE.quote) return -1
      const end = textEnd(bytes, at + 1)
      if (end === -1 || bytes[end + 1] !== BYTE.colon) return -1
      at = end + 2
    }
    at = valueEnd(bytes, at, depth + 1)
    if (at === -1) return -1
    if (bytes[at] === close) return at + 1
    if (bytes[at] !== BYTE.comma) return -1
    at++
  }
}

function digitsEnd(bytes: Uint8Array, at: number): number {
  let i = at
  while ((bytes[i] as number) >= ZERO && (bytes[i] as number) <= NINE) i++
  return i
}

function isHex(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 4; i++) if (HEX[bytes[i] as number] !== 1) return false
  return true
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256)
  for (const byte of Buffer.from(characters)) table[byte] = 1
  return table
}
