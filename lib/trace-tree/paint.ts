import { stripVTControlCharacters } from 'node:util'

/** Colours of a terminal: each function puts its escape sequences around a text. */
export interface Paint {
  dim(text: string): string
  bold(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
  /** A colour of the nth service. */
  service(n: number, text: string): string
}

/* Blue, magenta, cyan, green, yellow and their bright variants; red is for errors. */
const SERVICE_CODES = [36, 35, 34, 32, 33, 96, 95, 94, 92, 93]

function sgr(code: number, text: string, off = 39): string {
  return text === '' ? '' : `\u001b[${code}m${text}\u001b[${off}m`
}

/** Colours for a terminal. */
export const colors: Paint = {
  dim: (text) => sgr(2, text, 22),
  bold: (text) => sgr(1, text, 22),
  red: (text) => sgr(31, text),
  green: (text) => sgr(32, text),
  yellow: (text) => sgr(33, text),
  service: (n, text) => sgr(SERVICE_CODES[n % SERVICE_CODES.length] as number, text),
}

const plain = (text: string): string => text

/** No colours. */
export const noColors: Paint = {
  dim: plain,
  bold: plain,
  red: plain,
  green: plain,
  yellow: plain,
  service: (_, text) => text,
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach the terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

/** `text` on one line, without anything that a terminal might obey: a log line is not to be trusted. */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(CONTROL, (char) =>
    char === '\n' ? '↵' : char === '\t' ? ' ' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
