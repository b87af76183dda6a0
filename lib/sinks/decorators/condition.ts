import { LEVELS, type Level, levelsRule, SEVERITY, valueInside, type WantedFields, wantedFieldsRule } from '../../event'
import { checkOptions, type Rule, rules } from '../../internal/options'
import type { BatchEvent } from '../sink'
import { wrong } from './wrong'

/** What an event is like; it must have all that is named, and something must be named. */
export interface EventCondition {
  /** This level or a higher one. */
  readonly level?: Level
  /** One of these levels. */
  readonly levels?: readonly Level[]
  /** In a trace, or in none. */
  readonly trace?: boolean
  /** The logger of one of these names, or one below it. Needs the layout `json`. */
  readonly logger?: string | readonly string[]
  /**
   * Each of these fields of the line has this value; or one of these values, if it is a list. A dot leads into an object. `user` and `task` are fields
   * too. Needs the layout `json`.
   */
  readonly fields?: WantedFields
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

const loggerRule: Rule = (value) =>
  isText(value) || (Array.isArray(value) && value.length > 0 && value.every(isText)) ? undefined : 'a name, or a list of names'

const RULES = {
  level: rules.oneOf(...LEVELS),
  levels: levelsRule,
  trace: rules.boolean,
  logger: loggerRule,
  fields: wantedFieldsRule,
}

/** What a condition must look like at first sight. */
export const conditionRule: Rule = (value) => (isObject(value) ? undefined : 'an object of what events must have')

/** A frozen copy of `given`. Throws ERR_TRACELANE_OPTION_* for what is no condition. */
export function checkCondition(owner: string, given: EventCondition): EventCondition {
  checkOptions(owner, given, RULES)
  const named = Object.entries(given).filter(([, value]) => value !== undefined)
  if (named.length === 0) throw wrong(`${owner} must name something: ${Object.keys(RULES).join(', ')}`)
  return Object.freeze(structuredClone(Object.fromEntries(named)))
}

/** Whether it can be judged only by reading the lines themselves. */
export function readsLines({ logger, fields }: EventCondition): boolean {
  return logger !== undefined || fields !== undefined
}

/** An event of a batch, whose line is read when it is asked for. */
export class EventView {
  readonly row: BatchEvent
  readonly #lines: Uint8Array
  #said: Readonly<Record<string, unknown>> | undefined

  constructor(lines: Uint8Array, row: BatchEvent) {
    this.#lines = lines
    this.row = row
  }

  /** What the line says; nothing, if it is no JSON object. */
  get said(): Readonly<Record<string, unknown>> {
    this.#said ??= objectOf(this.#lines.subarray(this.row.start, this.row.end))
    return this.#said
  }

  /** The value of a field; a dot leads into an object, unless there is a field of the whole name. */
  field(name: string): unknown {
    return Object.hasOwn(this.said, name) ? this.said[name] : valueInside(this.said, name)
  }
}

function objectOf(line: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString())
    return isObject(value) ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

type Test = (event: EventView) => boolean

/** Whether an event is like that; cheap questions first. */
export function compileCondition({ level, levels, trace, logger, fields = {} }: EventCondition): Test {
  const tests: Test[] = []
  if (level !== undefined) tests.push(({ row }) => row.severity >= SEVERITY[level])
  if (levels !== undefined) tests.push(({ row }) => levels.some((one) => isOfLevel(row.severity, one)))
  if (trace !== undefined) tests.push(({ row }) => (row.traceId !== undefined) === trace)
  if (logger !== undefined) {
    const names = [logger].flat()
    // `name` is what pino and bunyan say.
    const nameOf = (event: EventView): unknown => event.field('logger') ?? event.field('name')
    tests.push((event) => names.some((name) => isBelow(nameOf(event), name)))
  }
  for (const [name, wanted] of Object.entries(fields)) {
    const values: readonly unknown[] = [wanted].flat()
    tests.push((event) => values.includes(event.field(name)))
  }
  return (event) => tests.every((test) => test(event))
}

function isBelow(logger: unknown, name: string): boolean {
  return typeof logger === 'string' && (logger === name || logger.startsWith(`${name}.`))
}

/* Levels of other loggers lie between ours: four numbers each. */
function isOfLevel(severity: number, level: Level): boolean {
  return severity >= SEVERITY[level] && severity < SEVERITY[level] + 4
}
