import { fieldToJson, instance, type LogEvent, quote, redactLine } from '../event'
import type { Redactor } from '../redaction'

/** Adds to a finished line of another logger what it lacks. */
export type LineCompleter = (event: LogEvent, line: string, seq: number) => string

/**
 * Takes finished lines of other loggers, without what `redactor` calls secret, and adds at their end: the MDC without the keys that the line
 * has, `traceId` and `spanId`, with `ordering` also `hlc`, `seq` and `instance`, and `rate` and `replayed` where the event has them. The bytes
 * before stay as they are.
 *
 * A line that carries the event's clock already has ids and MDC from a mixin. An id of the line's own that is not the event's (or a `rate`, a `replayed`) is
 * followed by the right one, which is what parsers take.
 */
export function lineCompleter(redactor: Redactor, ordering: boolean): LineCompleter {
  return (event, finished, seq) => {
    const line = redactLine(finished, redactor)
    const identified = hasMember(line, `"hlc":"${event.hlc}"`)
    let added = identified ? '' : mdcOf(event, line, redactor)
    if (!identified && event.traceId !== undefined) added += `,"traceId":"${event.traceId}","spanId":"${event.spanId}"`
    if (ordering) added += `${identified ? '' : `,"hlc":"${event.hlc}"`},"seq":${seq},"instance":"${instance()}"`
    if (event.rate !== undefined) added += `,"rate":${event.rate}`
    if (event.replayed === true) added += ',"replayed":true'
    if (added === '') return `${line}\n`
    return `${line.slice(0, -1)}${line === '{}' ? added.slice(1) : added}}\n`
  }
}

function mdcOf({ mdc }: LogEvent, line: string, redactor: Redactor): string {
  let text = ''
  for (const key in mdc) {
    const name = `${quote(key)}:`
    const value = hasMember(line, name) ? undefined : fieldToJson(key, mdc[key], redactor)
    if (value !== undefined) text += `,${name}${value}`
  }
  return text
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const DEEPER: ReadonlySet<number> = new Set([0x7b, 0x5b])
const HIGHER: ReadonlySet<number> = new Set([0x7d, 0x5d])

/* Whether the outermost object of `line` has `member`, text that begins with a key in quotes. Reads characters only if `member` is somewhere. */
function hasMember(line: string, member: string): boolean {
  let at = 0
  let depth = 0
  let inText = false
  for (let found = line.indexOf(member); found !== -1; found = line.indexOf(member, found + 1)) {
    for (; at < found; at++) {
      const code = line.charCodeAt(at)
      if (code === QUOTE) inText = !inText
      else if (inText) at += code === BACKSLASH ? 1 : 0
      else if (DEEPER.has(code)) depth++
      else if (HIGHER.has(code)) depth--
    }
    if (depth === 1 && !inText) return true
  }
  return false
}
