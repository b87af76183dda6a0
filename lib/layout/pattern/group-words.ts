import type { Convert } from './conversion'
import { patternError, type WordNode } from './parse-pattern'

/** `%replace(...){regex, replacement}`: both as in Java. Throws ERR_TRACELANE_OPTION_INVALID for what JavaScript does not take. */
export function replacing({ options, column }: WordNode, inner: Convert): Convert {
  const [regex, replacement] = options
  if (regex === undefined || replacement === undefined) {
    throw patternError(column, 'has a %replace without its two options: %replace(...){regex, replacement}')
  }
  const wanted = javaRegex(regex, column)
  const put = javaReplacement(replacement)
  return (event, seq) => inner(event, seq).replace(wanted, put)
}

const FLAGS = /^\(\?(?<flags>[ims]+)\)/

function javaRegex(regex: string, column: number): RegExp {
  const flags = FLAGS.exec(regex)?.groups?.['flags'] ?? ''
  const source = regex.replace(FLAGS, '')
  try {
    return new RegExp(source, `gu${flags}`)
  } catch {
    // Java escapes what need not be; JavaScript allows that without the flag only.
    try {
      return new RegExp(source, `g${flags}`)
    } catch (error) {
      throw patternError(column, `has a %replace with a wrong regular expression (${(error as Error).message})`)
    }
  }
}

/* `$1` and `${name}` are groups, a backslash makes what follows itself. */
const REFERENCE = /\\([\s\S])|\$(?:(\d)|\{(\w+)\})/g

function javaReplacement(replacement: string): (match: string, ...groups: unknown[]) => string {
  return (match, ...rest) => {
    const names = rest.at(-1)
    const groups: Readonly<Record<string, unknown>> = typeof names === 'object' && names !== null ? { ...names } : {}
    return replacement.replace(REFERENCE, (_, escaped?: string, index?: string, name?: string) => {
      if (escaped !== undefined) return escaped
      const value = name !== undefined ? groups[name] : index === '0' ? match : rest[Number(index) - 1]
      return typeof value === 'string' ? value : ''
    })
  }
}
