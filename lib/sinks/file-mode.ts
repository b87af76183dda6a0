import type { Rule } from '../internal/options'

const OCTAL = /^0?[0-7]{3}$/
const MAX_MODE = 0o777

/** Permissions as `chmod` takes them: `0o640`, or `'640'` or `'0640'` in a file of options, where numbers are decimal. */
export type FileMode = number | string

/** The rule of an option that is a FileMode. */
export const modeRule: Rule = (value) => {
  const isMode =
    typeof value === 'string'
      ? OCTAL.test(value)
      : Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_MODE
  return isMode ? undefined : "permissions from 0 to 0o777, or as a text in octal: '0640'"
}

/** The number of a mode that `modeRule` has let through. */
export function modeOf(mode: FileMode): number {
  return typeof mode === 'string' ? Number.parseInt(mode, 8) : mode
}
