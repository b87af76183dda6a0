import { quote } from '../internal/quote'
import { childNode, noRedaction, type PathNode, type Redactor } from '../redaction'

/*
 * What may hold a secret: `=`; a colon inside a text, but not that of a time of day; a quotation mark inside a text; `Bearer `, `Basic `; and JSON
 * with spaces around its signs.
 */
const SUSPICIOUS = /=|(?<!["\d]):|[a-z_-]{2}\d+:|\\"|"\s|bearer |basic /i
const SPACES = /[ \t\r\n]*/y
const BACKSLASH = 0x5c
/* White space around the signs of JSON, which nobody who writes logs leaves there. */
const SPACED = /"\s/
const OTHER = /[^\s,\]}]+/y

/**
 * A finished line of another logger without what `redactor` calls secret. Numbers, escapes and the order of keys stay as they are.
 *
 * A line in which no key is secret and no text suspicious is returned as it is, after one look at its keys. What is no JSON is read as a text.
 */
export function redactLine(line: string, redactor: Redactor): string {
  if (redactor === noRedaction || !mayHoldSecret(line, redactor)) return line
  try {
    return new LineRedactor(line, redactor).line()
  } catch {
    // No JSON, or nested so deeply that the stack ends
    return redactor.text(line)
  }
}

function mayHoldSecret(line: string, redactor: Redactor): boolean {
  if (redactor.paths !== undefined || (redactor.readsTexts ? SUSPICIOUS : SPACED).test(line)) return true
  for (let end = line.indexOf('":'); end !== -1; end = line.indexOf('":', end + 2)) {
    const key = line.slice(line.lastIndexOf('"', end - 1) + 1, end)
    if (key.includes('\\') || redactor.plan(key).secret) return true
  }
  return false
}

/* Walks through the JSON and writes it again, token by token. */
class LineRedactor {
  readonly #line: string
  readonly #redactor: Redactor
  #at = 0

  constructor(line: string, redactor: Redactor) {
    this.#line = line
    this.#redactor = redactor
  }

  line(): string {
    const value = this.#value(this.#redactor.paths)
    const rest = this.#line.slice(this.#at)
    if (rest.trim() !== '') throw new SyntaxError('text behind the JSON')
    return value + rest
  }

  #value(node: PathNode | undefined): string {
    this.#take(SPACES)
    const first = this.#line.charAt(this.#at)
    if (first === '{') return this.#members(node)
    if (first === '[') return this.#items(node)
    return first === '"' ? this.#clean(this.#text()) : this.#need(OTHER)
  }

  #clean(token: string): string {
    if (!this.#redactor.readsTexts || !SUSPICIOUS.test(token)) return token
    const text = JSON.parse(token) as string
    const clean = this.#redactor.text(text)
    return clean === text ? token : quote(clean)
  }

  #members(node: PathNode | undefined): string {
    return this.#list('{', '}', () => {
      const token = this.#text()
      const key = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1)
      this.#sign(':')
      const inside = childNode(node, key)
      const isSecret = this.#redactor.plan(key).secret || inside?.secret === true
      const written = isSecret ? this.#replaced() : this.#value(inside)
      return written === undefined ? undefined : `${this.#clean(token)}:${written}`
    })
  }

  #items(node: PathNode | undefined): string {
    let i = 0
    return this.#list('[', ']', () => {
      const inside = childNode(node, String(i++))
      return inside?.secret === true ? (this.#replaced() ?? 'null') : this.#value(inside)
    })
  }

  #list(open: string, close: string, part: () => string | undefined): string {
    const parts: string[] = []
    this.#sign(open)
    if (!this.#isNext(close)) {
      do {
        this.#take(SPACES)
        const written = part()
        if (written !== undefined) parts.push(written)
      } while (this.#isNext(','))
      this.#sign(close)
    } else this.#sign(close)
    return open + parts.join(',') + close
  }

  /* What is written in the place of the secret value that comes next. */
  #replaced(): string | undefined {
    this.#take(SPACES)
    const from = this.#at
    this.#value(undefined)
    const token = this.#line.slice(from, this.#at)
    if (token === 'null' || token === 'true' || token === 'false') return token
    if (this.#redactor.removes) return undefined
    return this.#redactor.inPlaceOf(token.startsWith('"') ? JSON.parse(token) : undefined, () => token)
  }

  /* Passes a comma; only looks at what closes a list. */
  #isNext(sign: string): boolean {
    this.#take(SPACES)
    const isNext = this.#line.charAt(this.#at) === sign
    if (isNext && sign === ',') this.#at++
    return isNext
  }

  #sign(sign: string): void {
    this.#take(SPACES)
    if (this.#line.charAt(this.#at) !== sign) throw new SyntaxError(`no ${sign}`)
    this.#at++
  }

  /* By hand, because a regular expression needs a stack as deep as the text is long. */
  #text(): string {
    const from = this.#at
    let end = this.#line.charAt(from) === '"' ? this.#line.indexOf('"', from + 1) : -1
    while (end !== -1 && isEscaped(this.#line, end)) end = this.#line.indexOf('"', end + 1)
    if (end === -1) throw new SyntaxError('no text')
    this.#at = end + 1
    return this.#line.slice(from, this.#at)
  }

  #need(pattern: RegExp): string {
    const token = this.#take(pattern)
    if (token === '') throw new SyntaxError('no token')
    return token
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const token = pattern.exec(this.#line)?.[0] ?? ''
    this.#at += token.length
    return token
  }
}

/* Whether an odd number of backslashes stands before `at`. */
function isEscaped(line: string, at: number): boolean {
  let start = at
  while (line.charCodeAt(start - 1) === BACKSLASH) start--
  return (at - start) % 2 === 1
}
