import { type ErrorView, titleOf } from './error-view'
import { visible } from './visible'

/** How a stack is written. */
export interface StackStyle {
  /** How many frames of each error: `%ex{3}`. A number that leaves some out keeps common frames. */
  readonly frames: number
  /** Frames that contain one of these are left out, and counted. */
  readonly without: readonly string[]
  /** The innermost cause first, then what wrapped it. */
  readonly rootFirst: boolean
  /** What makes texts harmless; line breaks that are not the stack's own go through it too. */
  readonly show: (text: string) => string
}

/** The whole stack, the outermost error first, without control characters in its texts. */
export const FULL_STACK: StackStyle = { frames: Number.POSITIVE_INFINITY, without: [], rootFirst: false, show: visible }

/* JSON escapes what is harmful, and a reader gets the text as it was. */
const AS_IT_IS: StackStyle = { ...FULL_STACK, show: (text) => text }

/** The whole stack as one text with line breaks, for a field of a line in JSON. */
export function stackTrace(error: ErrorView): string {
  return stackLines(error, AS_IT_IS).join('\n')
}

const CAUSED_BY = 'Caused by: '
const WRAPPED_BY = 'Wrapped by: '
const SUPPRESSED = 'Suppressed: '

/**
 * The lines of an error as Java and logback write them: `type: message`, a tab before each frame, causes below under `Caused
 * by:`, without the frames that they share with what they caused.
 */
export function stackLines(error: ErrorView, style: StackStyle): string[] {
  const lines: string[] = []
  if (style.rootFirst) addRootFirst(lines, error, '', 0, style)
  else addChain(lines, error, '', 0, style)
  return lines
}

function addChain(lines: string[], error: ErrorView, prefix: string, indent: number, style: StackStyle): void {
  lines.push(`${'\t'.repeat(indent)}${prefix}${style.show(titleOf(error))}`)
  addFrames(lines, error, indent + 1, style)
  for (const one of error.suppressed) addChain(lines, one, SUPPRESSED, indent + 1, style)
  if (error.cause !== undefined) addChain(lines, error.cause, CAUSED_BY, indent, style)
}

function addRootFirst(lines: string[], error: ErrorView, prefix: string, indent: number, style: StackStyle): void {
  if (error.cause !== undefined) addRootFirst(lines, error.cause, prefix, indent, style)
  const lead = error.cause === undefined ? prefix : WRAPPED_BY
  lines.push(`${'\t'.repeat(indent)}${lead}${style.show(titleOf(error))}`)
  addFrames(lines, error, indent + 1, style)
  for (const one of error.suppressed) addRootFirst(lines, one, SUPPRESSED, indent + 1, style)
}

function addFrames(lines: string[], { frames, common }: ErrorView, indent: number, style: StackStyle): void {
  const tabs = '\t'.repeat(indent)
  const all = style.frames > frames.length
  let left = all ? frames.length - common : style.frames
  let skipped = 0
  for (const frame of frames) {
    if (left === 0) break
    if (style.without.some((part) => frame.includes(part))) {
      skipped++
      // A frame that is left out makes room for another, but not for those that are common.
      if (all) left--
      continue
    }
    left--
    lines.push(`${tabs}${style.show(frame)}${skipped === 0 ? '' : ` [${skipped} skipped]`}`)
    skipped = 0
  }
  if (skipped > 0) lines.push(` [${skipped} skipped]`)
  if (all && common > 0) lines.push(`${tabs}... ${common} common frames omitted`)
}
