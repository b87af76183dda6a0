import { nearest } from '../../internal/options'
import { COLOR_WORDS, painted } from './colors'
import type { Convert, Surroundings } from './conversion'
import { applyModifier } from './format-modifier'
import { replacing } from './group-words'
import { GROUP, type PatternNode, patternError, type WordNode } from './parse-pattern'
import { ERROR_WORDS, PREFIX_NAMES, REFUSED, WORDS } from './words'

const COLORS: ReadonlySet<string> = new Set(COLOR_WORDS)
const GROUPS: readonly string[] = ['replace', 'prefix', ...COLOR_WORDS]

/** One function for all of `nodes`. Throws ERR_TRACELANE_OPTION_INVALID, with the column, for words and options that are wrong. */
export function compile(nodes: readonly PatternNode[], surroundings: Surroundings): Convert {
  const parts = nodes.map((node) => (typeof node === 'string' ? () => node : compileWord(node, surroundings)))
  return (event, seq) => {
    let text = ''
    for (const part of parts) text += part(event, seq)
    return text
  }
}

/** Whether a pattern says itself where errors go, or that they go nowhere. */
export function handlesErrors(nodes: readonly PatternNode[]): boolean {
  return nodes.some((node) => typeof node !== 'string' && (ERROR_WORDS.has(node.word) || handlesErrors(node.children ?? [])))
}

function compileWord(node: WordNode, surroundings: Surroundings): Convert {
  const convert = node.children === undefined ? simple(node, surroundings) : group(node, node.children, surroundings)
  const { modifier } = node
  return modifier === undefined ? convert : (event, seq) => applyModifier(convert(event, seq), modifier)
}

function simple(node: WordNode, surroundings: Surroundings): Convert {
  const { word, column } = node
  const maker = Object.hasOwn(WORDS, word) ? WORDS[word] : undefined
  if (maker !== undefined) return maker(node, surroundings)
  if (GROUPS.includes(word)) throw patternError(column, `has %${word} without its parentheses: %${word}(...)`)
  throw unknownWord(node, Object.keys(WORDS))
}

function group(node: WordNode, children: readonly PatternNode[], surroundings: Surroundings): Convert {
  const { word, column } = node
  if (word === 'prefix') return prefixed(children, surroundings)
  const inner = compile(children, surroundings)
  if (word === GROUP) return inner
  if (word === 'replace') return replacing(node, inner)
  if (!COLORS.has(word)) {
    if (Object.hasOwn(WORDS, word)) throw patternError(column, `has %${word} with parentheses, which it does not take`)
    throw unknownWord(node, GROUPS)
  }
  if (!surroundings.colors) return inner
  return (event, seq) => painted(word, event.level, inner(event, seq))
}

/* As in logback, format modifiers inside have no effect. */
function prefixed(children: readonly PatternNode[], surroundings: Surroundings): Convert {
  const parts = children.map((child): PatternNode | readonly [string, PatternNode] => {
    if (typeof child === 'string') return child
    return [prefixOf(child), { ...child, modifier: undefined }]
  })
  return compile(parts.flat(), surroundings)
}

function prefixOf({ word, options }: WordNode): string {
  const name = word === 'X' || word === 'mdc' || word === 'property' ? options[0]?.split(':-')[0] : PREFIX_NAMES[word]
  return name === undefined ? '' : `${name}=`
}

function unknownWord({ word, column }: WordNode, known: readonly string[]): Error {
  if (Object.hasOwn(REFUSED, word))
    return patternError(column, `has %${word}, a word of logback that is not here: ${REFUSED[word]}`)
  return patternError(column, `has an unknown conversion word %${word}; did you mean %${nearest(word, known)}?`)
}
