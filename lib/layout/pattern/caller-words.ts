import { basename } from 'node:path'
import type { Caller } from '../../event'
import type { ConverterMaker } from './conversion'
import { patternError } from './parse-pattern'

/* What logback writes where it does not know. */
const UNKNOWN = '?'

/** `%F`: the name of the source file. */
export const fileWord = callerWord(({ file }) => basename(file))
/** `%C`: the path of the source file, since the code of a file has no class. */
export const pathWord = callerWord(({ file }) => file)
/** `%L`: the line in it. */
export const lineWord = callerWord(({ line }) => String(line))
/** `%M`: the function that logs. */
export const functionWord = callerWord((site) => site.function ?? '')
/** `%caller`: all of it, in a line of its own. */
export const callerLineWord: ConverterMaker = (node, surroundings) => {
  const describe = callerWord((site) => `${site.function ?? UNKNOWN} (${site.file}:${site.line})`)(node, surroundings)
  return (event, seq) => (event.caller === undefined ? '?#?:?\n' : `Caller+0\t at ${describe(event, seq)}\n`)
}

function callerWord(part: (site: Caller) => string): ConverterMaker {
  return ({ word, column }, { caller, show }) => {
    if (!caller) {
      throw patternError(
        column,
        `has %${word}, which needs caller data; they cost about 5 us for each line: configure them with 'caller: true'`,
      )
    }
    return ({ caller: site }) => (site === undefined ? UNKNOWN : show(part(site)) || UNKNOWN)
  }
}
