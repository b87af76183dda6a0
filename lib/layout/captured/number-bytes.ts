/* Numbers as bytes, without a string in between where that is possible. Each function writes from `at` on and returns where it ended. */

const ZERO = 0x30
const POINT = 0x2e
const HEX: Uint8Array = Buffer.from('0123456789abcdef')
const MAX_HUNDREDTHS = 2 ** 30
/* The digits of 0 to 99, two each. */
const PAIRS: Uint8Array = Buffer.from(Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0')).join(''))

/** How many bytes a number takes at most. */
export const NUMBER_BYTES = 32

/** A number as `String` has it. */
export function writePlain(out: Uint8Array, at: number, value: number): number {
  return value >= 0 && (value | 0) === value ? writeDigits(out, at, value | 0) : writeAscii(out, at, String(value))
}

/** A number as the JSON layout writes it: the same bytes as `numberToJson`. */
export function writeNumber(out: Uint8Array, at: number, value: number): number {
  if (value >= 0) {
    if ((value | 0) === value) return writeDigits(out, at, value | 0)
    const hundredths = value * 100
    if (hundredths < MAX_HUNDREDTHS) {
      const nearest = Math.round(hundredths) | 0
      if (nearest / 100 === value) return writeHundredths(out, at, nearest)
    }
  }
  return writeAscii(out, at, Number.isFinite(value) ? String(value) : `"${value}"`)
}

/** The last four hex digits of an integer. */
export function writeHex(out: Uint8Array, at: number, value: number): number {
  out[at] = HEX[(value >> 12) & 15] as number
  out[at + 1] = HEX[(value >> 8) & 15] as number
  out[at + 2] = HEX[(value >> 4) & 15] as number
  out[at + 3] = HEX[value & 15] as number
  return at + 4
}

/* No integer, so there is at least one digit behind the point. */
function writeHundredths(out: Uint8Array, at: number, hundredths: number): number {
  const whole = (hundredths / 100) | 0
  const rest = hundredths - whole * 100
  const tenths = (rest / 10) | 0
  const last = rest - tenths * 10
  let end = writeDigits(out, at, whole)
  out[end++] = POINT
  out[end++] = ZERO + tenths
  if (last > 0) out[end++] = ZERO + last
  return end
}

function writeDigits(out: Uint8Array, from: number, value: number): number {
  const end = from + digitsOf(value)
  let at = end
  let left = value
  while (left >= 100) {
    const rest = (left / 100) | 0
    const pair = (left - rest * 100) << 1
    out[at - 1] = PAIRS[pair + 1] as number
    out[at - 2] = PAIRS[pair] as number
    at -= 2
    left = rest
  }
  const pair = left << 1
  out[at - 1] = PAIRS[pair + 1] as number
  if (left >= 10) out[at - 2] = PAIRS[pair] as number
  return end
}

function digitsOf(value: number): number {
  if (value < 10_000) return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4
  if (value < 100_000_000) return value < 1_000_000 ? (value < 100_000 ? 5 : 6) : value < 10_000_000 ? 7 : 8
  return value < 1_000_000_000 ? 9 : 10
}

function writeAscii(out: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i)
  return at + text.length
}
