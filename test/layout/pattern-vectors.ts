import { readFileSync } from 'node:fs'
import type { Level, LogEvent } from '../../lib/event'
import { layoutIn } from '../../lib/layout'
import { projectFile } from '../support'

type Pairs = readonly (readonly [key: string, value: string])[]

interface ErrorVector {
  readonly type: string
  readonly message: string
  /** As a stack has them: `at shop.Orders.load(Orders.java:10)`. */
  readonly frames: readonly string[]
  readonly cause?: ErrorVector
  readonly suppressed?: readonly ErrorVector[]
}

interface EventVector {
  readonly time: number
  readonly level: Level
  readonly logger: string
  readonly msg: string
  readonly thread: string
  /** When the process started. */
  readonly startedAt: number
  readonly mdc?: Pairs
  readonly property?: Pairs
  readonly pair?: Pairs
  readonly error?: ErrorVector
}

/** A pattern with what logback makes of an event by it. */
export interface PatternVector {
  readonly rule: string
  readonly pattern: string
  readonly event?: Partial<EventVector>
  /** What logback writes: test/vectors/logback/patterns.mjs asks it. */
  readonly text: string
  /** What we write where we differ on purpose, as docs/reference/layouts.md says. */
  readonly ours?: string
}

interface PatternVectors {
  /** What the event of a vector has that does not say otherwise. */
  readonly event: EventVector
  readonly vectors: readonly PatternVector[]
}

/** Reads `logback-pattern.json`. */
export function patternVectors(): PatternVectors {
  return JSON.parse(readFileSync(projectFile('test/vectors/logback-pattern.json'), 'utf8')) as PatternVectors
}

/** What we write for a vector whose event's own fields are `defaults`; `keep` leaves control characters as they are. */
export function written({ pattern, event }: PatternVector, defaults: EventVector, show: (text: string) => string): string {
  const { time, level, logger, msg, thread, startedAt, mdc = [], property = [], pair, error } = { ...defaults, ...event }
  const { traceId, spanId, ...others } = Object.fromEntries(mdc)
  const logged: LogEvent = {
    ...{ time, level, logger, msg, traceId, spanId, hlc: '0'.repeat(16), mdc: others },
    fields: pair === undefined ? undefined : Object.fromEntries(pair),
    err: error === undefined ? undefined : errorOf(error),
    caller: undefined,
  }
  const layout = layoutIn(
    { pattern },
    {
      ...{ service: undefined, host: 'web-1', thread, startedAt, caller: false, timezone: 'UTC', colors: true, show },
      properties: Object.fromEntries(property),
    },
  )
  return layout(logged, 1)
}

function errorOf({ type, message, frames, cause, suppressed }: ErrorVector): Error {
  const error = suppressed === undefined ? new Error(message) : new AggregateError(suppressed.map(errorOf), message)
  error.name = type
  error.stack = `${type}: ${message}\n${frames.map((frame) => `    ${frame}`).join('\n')}`
  if (cause !== undefined) error.cause = errorOf(cause)
  return error
}
