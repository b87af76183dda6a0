/** How wide a text is made: `%-20.30logger` pads to 20 and cuts at 30. Widths are in UTF-16 code units, as in logback. */
export interface FormatModifier {
  readonly min: number
  readonly max: number
  /** True for `20`: spaces go before the text; false for `-20`: after it. */
  readonly padLeft: boolean
  /** True for `.30`: the beginning is cut off; false for `.-30`: the end. */
  readonly cutLeft: boolean
}

const MODIFIER = /^(?<min>[+-]?\d{1,4})?(?:\.(?<max>[+-]?\d{1,4}))?$/

/** Reads `-20.30`; undefined for what is none. */
export function parseFormatModifier(text: string): FormatModifier | undefined {
  const groups = MODIFIER.exec(text)?.groups
  if (groups === undefined) return undefined
  const min = Number(groups['min'] ?? 0)
  const max = Number(groups['max'] ?? Number.POSITIVE_INFINITY)
  return { min: Math.abs(min), max: Math.abs(max), padLeft: min >= 0, cutLeft: max >= 0 }
}

/** `text` cut and padded. */
export function applyModifier(text: string, { min, max, padLeft, cutLeft }: FormatModifier): string {
  if (text.length > max) return cutLeft ? text.slice(text.length - max) : text.slice(0, max)
  if (text.length >= min) return text
  return padLeft ? text.padStart(min) : text.padEnd(min)
}
