import { TracelaneError } from '../../errors'
import { type FormatModifier, parseFormatModifier } from './format-modifier'

/** A conversion word with what stands around it: `%-20.30logger{36}`, or `%red(...)` with the pattern in its parentheses. */
export interface WordNode {
  readonly word: string
  /** The place of its `%` in the pattern, counted from 1. */
  readonly column: number
  readonly modifier: FormatModifier | undefined
  readonly options: readonly string[]
  /** What stands in its parentheses; undefined for a word without them. */
  readonly children: readonly PatternNode[] | undefined
}

/** A part of a pattern: text as it is, or a conversion word. */
export type PatternNode = string | WordNode

/** The word that stands for parentheses without a word, `%20(...)`. */
export const GROUP = ''

/**
 * Reads a pattern as logback's parser does. Throws ERR_TRACELANE_OPTION_INVALID, with the column, for what logback answers by an error
 * status or by ignoring the rest of the pattern.
 */
export function parsePattern(pattern: string): readonly PatternNode[] {
  const scanner = new Scanner(pattern)
  const nodes = scanner.nodes()
  if (!scanner.atEnd) throw scanner.error("has a ')' without its '(' (write '\\)' for the character)")
  return nodes
}

/** What is wrong with `detail` of a pattern, for its author. */
export function patternError(column: number, detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `the layout's pattern ${detail}, at column ${column}`)
}

const WORD_START = /[A-Za-z_$]/
const WORD_PART = /[A-Za-z0-9_$]/
const SEPARATOR = /[\s,]/
const CONTROLS: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n', _: '' }

class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  error(detail: string, at = this.#at): TracelaneError {
    return patternError(at + 1, detail)
  }

  /* Up to the end or the `)` that closes what encloses them. */
  nodes(): PatternNode[] {
    const nodes: PatternNode[] = []
    let literal = ''
    while (!this.atEnd && this.#next !== ')') {
      if (this.#next === '%') {
        if (literal !== '') nodes.push(literal)
        literal = ''
        nodes.push(this.#word())
      } else literal += this.#next === '\\' ? this.#escape() : this.#take()
    }
    if (literal !== '') nodes.push(literal)
    return nodes
  }

  #has(char: string): boolean {
    return this.#next === char
  }

  get #next(): string {
    return this.#text[this.#at] ?? ''
  }

  #take(): string {
    const char = this.#next
    this.#at++
    return char
  }

  #takeWhile(wanted: RegExp): string {
    const start = this.#at
    while (!this.atEnd && wanted.test(this.#next)) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #escape(): string {
    const start = this.#at++
    const char = this.#take()
    if ('%()\\{}'.includes(char)) return char
    const control = CONTROLS[char]
    if (control === undefined)
      throw this.error(`knows \\%, \\(, \\), \\{, \\}, \\\\, \\t, \\r, \\n and \\_, but not '\\${char}'`, start)
    return control
  }

  #word(): WordNode {
    const start = this.#at++
    const modifier = this.#modifier(start)
    const word = WORD_START.test(this.#next) ? this.#takeWhile(WORD_PART) : GROUP
    if (this.#next !== '(') {
      if (word === GROUP) throw this.error("has a '%' without a conversion word (write '\\%' for the character)", start)
      return { word, column: start + 1, modifier, options: this.#options(), children: undefined }
    }
    this.#at++
    const children = this.nodes()
    if (this.atEnd) throw this.error(`does not close the '(' of %${word}`, start)
    this.#at++
    return { word, column: start + 1, modifier, options: this.#options(), children }
  }

  #modifier(start: number): FormatModifier | undefined {
    const text = this.#takeWhile(/[^A-Za-z_$(%\s]/)
    if (text === '') return undefined
    const modifier = parseFormatModifier(text)
    if (modifier === undefined) throw this.error(`has a wrong format modifier '${text}' (right are -5, 20.30, .-10)`, start)
    return modifier
  }

  #options(): string[] {
    if (this.#next !== '{') return []
    const start = this.#at++
    const options: string[] = []
    for (;;) {
      this.#takeWhile(SEPARATOR)
      if (this.atEnd) throw this.error("does not close a '{'", start)
      if (this.#has('}')) break
      options.push(this.#has("'") || this.#has('"') ? this.#quoted() : this.#takeWhile(/[^,}]/).trim())
    }
    this.#at++
    return options
  }

  /* A backslash stays, because regular expressions need it; it only keeps a quote from ending the text. */
  #quoted(): string {
    const start = this.#at
    const quote = this.#take()
    let text = ''
    while (this.#next !== quote) {
      if (this.atEnd) throw this.error(`does not close a ${quote}`, start)
      text += this.#next === '\\' ? this.#take() + this.#take() : this.#take()
    }
    this.#at++
    return text
  }
}
