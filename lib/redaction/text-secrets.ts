import { isSecretInUrl, plainKey, takesWholeLine } from './secret-keys'

/** From one index of a text to before another. */
export type Span = readonly [from: number, to: number]

const MAX_KEY = 64
const SPACE = 0x20
const COLON = 0x3a
const EQUALS = 0x3d
const BACKSLASH = 0x5c

/* `=>` is how Node prints a Map. */
const VALUE_START = />?[ \t]{0,2}(\\?["'`])?/y
const VALUE_END = /[\s&;,"'`<>()[\]{}|\\]/g
const LINE_END = /[\r\n]/g
const AUTHORITY_END = /[\s/?#"'`<>\\]/g
const SCHEME_BEFORE = /(?:^|[^a-z])(?:bearer|basic)$/i
const CREDENTIALS = /[\w.~+/=-]+/y
const PLAIN_WORD = /^[A-Za-z]?[a-z]*[.=]?$/

/**
 * Where the secrets in a text are, in order: behind a secret key (`password=x`, `"token": "x"`, `Authorization: Bearer x`), in the query of a
 * URL (`?sig=x`), before the `@` of a URL (`://user:x@host`), behind `Bearer` and `Basic`.
 *
 * Goes through the text once, so its time grows with the length of the text and nothing else.
 */
export function secretsIn(text: string, isSecret: (key: string) => boolean): Span[] {
  const spans: Span[] = []
  let i = 0
  while (i < text.length) {
    const code = text.charCodeAt(i)
    let span: Span | undefined
    if (code === COLON && text.startsWith('//', i + 1)) span = userInfo(text, i + 3)
    else if (code === COLON || code === EQUALS) span = assigned(text, i, isSecret)
    else if (code === SPACE) span = credentials(text, i)
    if (span === undefined) i++
    else {
      spans.push(span)
      i = Math.max(span[1], i + 1)
    }
  }
  return spans
}

function userInfo(text: string, from: number): Span | undefined {
  const at = text.slice(from, endAt(AUTHORITY_END, text, from)).lastIndexOf('@')
  return at > 0 ? [from, from + at] : undefined
}

function assigned(text: string, sign: number, isSecret: (key: string) => boolean): Span | undefined {
  const keyEnd = skipBack(text, sign)
  const keyStart = wordStart(text, keyEnd)
  if (keyStart === keyEnd) return undefined
  const key = text.slice(keyStart, keyEnd)
  if (!isSecret(key) && !(isInUrl(text, keyStart) && isSecretInUrl(plainKey(key)))) return undefined
  VALUE_START.lastIndex = sign + 1
  const mark = VALUE_START.exec(text)?.[1]
  const from = VALUE_START.lastIndex
  const to =
    mark === undefined ? endAt(takesWholeLine(plainKey(key)) ? LINE_END : VALUE_END, text, from) : closing(text, mark, from)
  return to > from ? [from, to] : undefined
}

/* Back from the sign over a space and the quotation mark that closes the key. */
function skipBack(text: string, sign: number): number {
  let end = sign
  if (text.charCodeAt(end - 1) === SPACE) end--
  if ('"\'`'.includes(text.charAt(end - 1) || ' ')) end--
  if (text.charCodeAt(end - 1) === BACKSLASH) end--
  return end
}

function wordStart(text: string, end: number): number {
  let start = end
  while (start > 0 && end - start < MAX_KEY && isWord(text.charCodeAt(start - 1))) start--
  return start
}

/* Letters, digits, `_` and `-`. */
function isWord(code: number): boolean {
  const letter = code | 0x20
  return (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x5f || code === 0x2d
}

function isInUrl(text: string, keyStart: number): boolean {
  return keyStart > 0 && '?&#'.includes(text.charAt(keyStart - 1))
}

/* Where the quotation mark that opened before `from` closes; the end of the text if it does not. */
function closing(text: string, mark: string, from: number): number {
  for (let at = text.indexOf(mark, from); at !== -1; at = text.indexOf(mark, at + 1)) {
    if (mark.length > 1 || text.charCodeAt(at - 1) !== BACKSLASH) return at
  }
  return text.length
}

/* Behind `Bearer` and `Basic`. A word (`basic authentication`) is not a secret. */
function credentials(text: string, space: number): Span | undefined {
  const last = text.charAt(space - 1).toLowerCase()
  if ((last !== 'r' && last !== 'c') || !SCHEME_BEFORE.test(text.slice(Math.max(space - 7, 0), space))) return undefined
  CREDENTIALS.lastIndex = space + 1
  const found = CREDENTIALS.exec(text)?.[0]
  return found === undefined || PLAIN_WORD.test(found) ? undefined : [space + 1, space + 1 + found.length]
}

function endAt(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.exec(text)?.index ?? text.length
}
