import { type Level, type LogEvent, levelsRule, valueInside, type WantedFields, wantedFieldsRule } from '../event'
import { type Rule, rules } from '../internal/options'
import type { Filter } from './filter'
import { type Replies, repliesOf, replyRules } from './reply'

/** Matches events that have all that it names; it must name something. */
export interface MatchFilterSpec extends Replies {
  readonly kind: 'match'
  /** The logger of this name, and those below it. */
  readonly logger?: string
  /** One of these levels. */
  readonly levels?: readonly Level[]
  /** The field `marker` is this text, or a list that has it. */
  readonly marker?: string
  /**
   * Each of these fields has this value; or one of these values, if it is a list. Fields of the call come before those of the MDC; a dot leads
   * into an object: `{ 'span.route': '/health' }`.
   */
  readonly fields?: WantedFields
  /** The message contains this text. */
  readonly message?: string
  /** The message matches this regular expression, given as text: `'^GET /health\\b'`. */
  readonly pattern?: string
}

const patternRule: Rule = (value) => {
  try {
    if (typeof value === 'string' && value !== '') return void new RegExp(value, 'u')
  } catch {
    // Told below
  }
  return 'a regular expression as text'
}

/** The rules of `MatchFilterSpec`, for `checkOptions`. */
export const matchRules = {
  kind: rules.string,
  logger: rules.string,
  levels: levelsRule,
  marker: rules.string,
  fields: wantedFieldsRule,
  message: rules.string,
  pattern: patternRule,
  ...replyRules,
} as const

type Test = (event: LogEvent) => boolean

/** Says that a match filter names nothing to match. */
export function isEmptyMatch({ logger, levels, marker, fields, message, pattern }: MatchFilterSpec): boolean {
  return [logger, levels, marker, fields, message, pattern].every((one) => one === undefined)
}

export function matchFilter(spec: MatchFilterSpec): Filter {
  const tests = testsOf(spec)
  const reply = repliesOf(spec)
  return { stateful: false, decide: (event) => reply(tests.every((test) => test(event))) }
}

function testsOf({ logger, levels, marker, fields = {}, message, pattern }: MatchFilterSpec): readonly Test[] {
  const tests: Test[] = []
  if (logger !== undefined) {
    const below = `${logger}.`
    tests.push((event) => event.logger === logger || event.logger.startsWith(below))
  }
  if (levels !== undefined) tests.push((event) => levels.includes(event.level))
  if (message !== undefined) tests.push((event) => event.msg.includes(message))
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, 'u')
    tests.push((event) => expression.test(event.msg))
  }
  if (marker !== undefined) tests.push((event) => [fieldOf(event, 'marker')].flat().includes(marker))
  for (const [name, wanted] of Object.entries(fields)) {
    const values: readonly unknown[] = [wanted].flat()
    tests.push((event) => values.includes(fieldOf(event, name)))
  }
  return tests
}

/* A getter of the caller's may throw: then there is no such field. */
function fieldOf({ fields, mdc }: LogEvent, name: string): unknown {
  try {
    if (fields !== undefined && Object.hasOwn(fields, name)) return fields[name]
    if (Object.hasOwn(mdc, name)) return mdc[name]
    return name.includes('.') && fields !== undefined ? valueInside(fields, name) : undefined
  } catch {
    return undefined
  }
}
