import { hostname } from 'node:os'
import type { MdcFields } from '../context'
import {
  errorToJson,
  fieldToJson,
  instance,
  isPlain,
  type Level,
  type LogEvent,
  numberToJson,
  quote,
  reasonOf,
  textToJson,
  toJson,
  unreadable,
} from '../event'
import { workerThreads } from '../internal/builtin'
import type { Redactor } from '../redaction'
import { type FieldPlan, fieldPlans } from './field-plans'
import { overrides } from './field-text'
import { type Layout, type Origin, redactorOf } from './layout'
import { lineCompleter } from './line-completer'

/* Set by `withTask` through the MDC, so an MDC entry of that name is the real one. */
const FROM_MDC: ReadonlySet<string> = new Set(['task', 'user'])

/* In a `for in` loop V8 leaves this very call out, which it does not for `Object.hasOwn`. */
const hasOwn = Object.prototype.hasOwnProperty
const END = '}\n'
const TWO_DIGITS: readonly string[] = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, '0'))

/*
 * Most messages are constants of the code. A logger that makes a new one for each call (ids in them) would pay for each look and fill the memory: after
 * so many that were not known, it is not looked for the next ones at all.
 */
const MAX_MISSES = 64
const UNLOOKED = 16_384
const MAX_MESSAGE_LENGTH = 128
const MAX_LOGGERS = 4096

/**
 * One JSON object a line, as docs/reference/log-event.md has it.
 *
 * With `ordering`, lines carry `hlc`, `seq` and `instance`: what sorts them causally and names them for ever. What many lines have in
 * common (the millisecond, logger, level and message, the trace) is written once and then taken again. A line that another logger has
 * finished keeps its bytes, secrets excepted, and what it lacks follows them.
 */
export function jsonLayout(origin: Origin, ordering: boolean): Layout {
  const redactor = redactorOf(origin)
  const head = headWriter()
  const statement = statementWriter(whoWrites(origin, ordering), redactor)
  const trace = traceWriter(ordering)
  const withCaller = origin.caller === true
  const fields = fieldWriter(redactor, withCaller)
  const position = positionWriter()
  const complete = lineCompleter(redactor, ordering)
  return (event, seq) => {
    if (event.line !== undefined) return complete(event, event.line, seq)
    let line = head(event.time) + statement(event) + trace(event)
    if (ordering) line += event.hlc + position(seq)
    if (event.err !== undefined) line += `,"err":${errorToJson(event.err, redactor)}`
    if (withCaller && event.caller !== undefined) line += `,"caller":${toJson(event.caller)}`
    if (event.rate !== undefined) line += `,"rate":${event.rate}`
    if (event.replayed === true) line += ',"replayed":true'
    return line + fields(event) + END
  }
}

/** What each line says of the process. */
export function whoWrites(origin: Origin, ordering: boolean): string {
  const service = origin.service === undefined ? '' : `,"service":${quote(origin.service)}`
  const { threadId } = workerThreads()
  const thread = threadId === 0 ? '' : `,"thread":${threadId}`
  const who = `${service},"host":${quote(hostname())},"pid":${process.pid}${thread}`
  return ordering ? `${who},"instance":"${instance()}"` : who
}

function headWriter(): (time: number) => string {
  let lastTime = -1
  let head = ''
  return (time) => {
    if (time !== lastTime) {
      lastTime = time
      head = flat(`{"time":${time}`)
    }
    return head
  }
}

/* From `level` to what is said of the process. */
function statementWriter(who: string, redactor: Redactor): (event: LogEvent) => string {
  const byLogger = new Map<string, Map<Level, Statements>>()

  function statementsOf(logger: string, level: Level): Statements {
    // Names of other loggers may be made of ids.
    if (byLogger.size === MAX_LOGGERS) byLogger.clear()
    const byLevel = byLogger.get(logger) ?? new Map<Level, Statements>()
    byLogger.set(logger, byLevel)
    const statements = new Statements(logger, level, who, redactor)
    byLevel.set(level, statements)
    return statements
  }

  return ({ logger, level, msg }) => (byLogger.get(logger)?.get(level) ?? statementsOf(logger, level)).of(msg)
}

class Statements {
  readonly #before: string
  readonly #who: string
  readonly #redactor: Redactor
  readonly #known = new Map<string, string>()
  #unlooked = 0

  constructor(logger: string, level: Level, who: string, redactor: Redactor) {
    this.#before = `,"level":"${level}","logger":${quote(logger)},"msg":`
    this.#who = who
    this.#redactor = redactor
  }

  of(msg: string): string {
    if (this.#unlooked > 0) {
      this.#unlooked--
      return this.#write(msg)
    }
    return this.#known.get(msg) ?? this.#learn(msg)
  }

  #learn(msg: string): string {
    const text = flat(this.#write(msg))
    if (msg.length <= MAX_MESSAGE_LENGTH) this.#known.set(msg, text)
    if (this.#known.size === MAX_MISSES) {
      this.#known.clear()
      this.#unlooked = UNLOOKED
    }
    return text
  }

  #write(msg: string): string {
    return this.#before + textToJson(msg, this.#redactor) + this.#who
  }
}

/* The ids, and the beginning of `hlc`. */
function traceWriter(ordering: boolean): (event: LogEvent) => string {
  const end = ordering ? ',"hlc":"' : ''
  let lastTrace: string | undefined
  let lastSpan: string | undefined
  let text = end
  let isFlat = true
  return ({ traceId, spanId }) => {
    if (traceId !== lastTrace || spanId !== lastSpan) {
      lastTrace = traceId
      lastSpan = spanId
      text = traceId === undefined ? end : `,"traceId":"${traceId}","spanId":"${spanId}"${end}`
      isFlat = false
    } else if (!isFlat) {
      text = flat(text)
      isFlat = true
    }
    return text
  }
}

/* `seq` counts up, so only its last two digits change from line to line. */
function positionWriter(): (seq: number) => string {
  let lastHundreds = -1
  let before = ''
  return (seq) => {
    const hundreds = Math.floor(seq / 100)
    if (hundreds === 0) return `","seq":${seq}`
    if (hundreds !== lastHundreds) {
      lastHundreds = hundreds
      before = flat(`","seq":${hundreds}`)
    }
    return before + (TWO_DIGITS[seq - hundreds * 100] as string)
  }
}

/* What is on some lines only, so that a field of that name would make the key occur twice. A number, to be compared with one look. */
type There = number
const ERR_THERE = 1
const CALLER_THERE = 2
const RATE_THERE = 4
const REPLAYED_THERE = 8
const SOMETIMES_THERE: ReadonlyMap<string, There> = new Map([
  ['err', ERR_THERE],
  ['caller', CALLER_THERE],
  ['rate', RATE_THERE],
  ['replayed', REPLAYED_THERE],
])

function isThere(there: There, key: string): boolean {
  return (there & (SOMETIMES_THERE.get(key) ?? 0)) !== 0
}

function thereOn({ err, caller, rate, replayed }: LogEvent, withCaller: boolean): There {
  return (
    (err === undefined ? 0 : ERR_THERE) |
    (withCaller && caller !== undefined ? CALLER_THERE : 0) |
    (rate === undefined ? 0 : RATE_THERE) |
    (replayed === true ? REPLAYED_THERE : 0)
  )
}

function fieldWriter(redactor: Redactor, withCaller: boolean): (event: LogEvent) => string {
  const planOf = fieldPlans(redactor)
  const mdcText = mdcWriter(redactor, planOf)

  return (event) => {
    const { mdc, fields } = event
    const there = thereOn(event, withCaller)
    let text = mdcText(mdc, fields, there)
    if (fields === undefined) return text
    // The last value was a text whose quotation mark is still to come: it is written together with the next name.
    let open = false
    try {
      for (const key in fields) {
        if (!hasOwn.call(fields, key)) continue
        const value = readField(fields, key)
        const plan = planOf(key)
        if (typeof value === 'number' && plan.isFree) {
          text += (open ? plan.closingNamed : plan.named) + numberToJson(value)
          open = false
        } else if (typeof value === 'string' && plan.isFree && isPlain(value)) {
          text += (open ? plan.closingText : plan.text) + value
          open = true
        } else {
          const written = writeField(key, value, there, plan, redactor)
          text += open ? `"${written}` : written
          open = false
        }
      }
    } catch (error) {
      // A proxy that does not tell its keys
      text += `${open ? '"' : ''},"fields":${quote(unreadable(error, redactor))}`
      open = false
    }
    return open ? `${text}"` : text
  }
}

/** A field with its name and its comma; empty if it is left out. */
export function writeField(key: string, value: unknown, there: There, plan: FieldPlan, redactor: Redactor): string {
  const { taken } = plan
  const isTaken = taken !== '' && (taken === 'any' || taken === typeof value || isThere(there, key))
  const text = fieldToJson(key, value, redactor)
  return text === undefined ? '' : (isTaken ? plan.renamed : plan.named) + text
}

/** Writes the MDC without the keys that the fields have too. It is the same frozen record for all lines of a scope. */
export function mdcWriter(
  redactor: Redactor,
  planOf: (key: string) => FieldPlan,
): (mdc: MdcFields, fields: LogEvent['fields'], there: There) => string {
  let last: MdcFields | undefined
  let lastThere: There = 0
  let keys: readonly string[] = []
  let text = ''

  function write(mdc: MdcFields, fields: LogEvent['fields'], there: There): string {
    let written = ''
    for (const key of keys) {
      if (overrides(fields, key)) continue
      const plan = planOf(key)
      written += writeField(key, mdc[key], there, FROM_MDC.has(key) ? { ...plan, taken: '' } : plan, redactor)
    }
    return written
  }

  return (mdc, fields, there) => {
    if (mdc !== last || there !== lastThere) {
      last = mdc
      lastThere = there
      keys = Object.keys(mdc)
      text = flat(write(mdc, undefined, there))
    }
    for (const key of keys) if (overrides(fields, key)) return write(mdc, fields, there)
    return text
  }
}

/** The value of a field; if its getter throws, a note that says so. */
export function readField(fields: Readonly<Record<string, unknown>>, key: string): unknown {
  try {
    return fields[key]
  } catch (error) {
    return `[getter threw: ${reasonOf(error)}]`
  }
}

/*
 * Makes one piece of memory of a text that was joined from parts: it will be copied into many lines. Looking at a character does that; what is
 * seen must matter, or the compiler leaves the look out.
 */
function flat(text: string): string {
  return text.charCodeAt(0) === 0 ? '' : text
}
