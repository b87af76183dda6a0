import type { Level } from '../../event'

const ESCAPE = '\u001b['
/* logback's end of a colour: everything off, default foreground. */
const END = `${ESCAPE}0;39m`

/** SGR parameters of logback's colour words. */
const CODES: Readonly<Record<string, string>> = {
  black: '30',
  red: '31',
  green: '32',
  yellow: '33',
  blue: '34',
  magenta: '35',
  cyan: '36',
  white: '37',
  gray: '1;30',
  boldRed: '1;31',
  boldGreen: '1;32',
  boldYellow: '1;33',
  boldBlue: '1;34',
  boldMagenta: '1;35',
  boldCyan: '1;36',
  boldWhite: '1;37',
}

const OF_LEVEL: Readonly<Record<Level, string>> = {
  trace: '39',
  debug: '39',
  info: '34',
  warn: '31',
  error: '1;31',
  fatal: '1;31',
}

/** `%red(...)` and its like, and `%highlight(...)`, which depends on the level. */
export const COLOR_WORDS: readonly string[] = [...Object.keys(CODES), 'highlight']

/** `text` in the colour of `word`, an SGR sequence around it. */
export function painted(word: string, level: Level, text: string): string {
  return `${ESCAPE}${word === 'highlight' ? OF_LEVEL[level] : CODES[word]}m${text}${END}`
}
