/* C0, DEL and C1 controls, line and paragraph separators, and the marks that turn the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const HARMFUL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const ALL_HARMFUL = new RegExp(HARMFUL.source, 'g')

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * `text` with every character that ends a line, drives a terminal or reorders what is shown written as an escape (`\n`, `\x1b`,
 * `\u202e`), so that no input can look like another line.
 */
export function visible(text: string): string {
  return HARMFUL.test(text) ? text.replace(ALL_HARMFUL, escaped) : text
}

function escaped(char: string): string {
  const code = char.charCodeAt(0)
  return NAMED[char] ?? (code > 0xff ? `\\u${code.toString(16).padStart(4, '0')}` : `\\x${code.toString(16).padStart(2, '0')}`)
}
