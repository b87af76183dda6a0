import type { LogEvent } from '../../event'
import { viewError } from '../error-view'
import { type StackStyle, stackLines } from '../stack-text'
import type { Convert, ConverterMaker, Surroundings } from './conversion'
import { patternError, type WordNode } from './parse-pattern'

const LENGTHS: Readonly<Record<string, number>> = { full: Number.POSITIVE_INFINITY, short: 1 }

/** `%ex`, `%ex{short}`, `%ex{3}`, and what is left out: `%ex{full, node:internal}`. */
export const stackWord: ConverterMaker = (node, surroundings) => stackConverter(node, surroundings, false)

/** `%rEx`: the innermost cause first. */
export const rootFirstWord: ConverterMaker = (node, surroundings) => stackConverter(node, surroundings, true)

/** The stack of an event, each line with its line break; nothing for an event without error. */
export function stackText({ err }: LogEvent, style: StackStyle): string {
  return err === undefined ? '' : `${stackLines(viewError(err), style).join('\n')}\n`
}

function stackConverter({ options, column }: WordNode, { show }: Surroundings, rootFirst: boolean): Convert {
  const [length = 'full', ...without] = options
  const frames = LENGTHS[length.toLowerCase()] ?? (/^\d+$/.test(length) ? Number(length) : undefined)
  if (frames === undefined) {
    throw patternError(column, `wants 'full', 'short' or a number of frames for a stack, not '${length}'`)
  }
  const style = { frames, without, rootFirst, show }
  return (event) => stackText(event, style)
}
