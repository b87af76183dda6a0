import { fileURLToPath } from 'node:url'
import { currentScope } from '../context'
import { type Caller, isError } from '../event'
import { checkOptions, rules } from '../internal/options'
import { flush } from '../logger'
import { captureFlow, enter, type Told } from './enter'
import { levelOfName } from './level-names'
import { textOf } from './text'

/** The parts of a record of LogTape's that this adapter reads. */
export interface LogTapeRecord {
  readonly category: readonly string[]
  readonly level: string
  /** Texts and the values between them, by turns. */
  readonly message: readonly unknown[]
  readonly timestamp: number
  readonly properties: Readonly<Record<string, unknown>>
  /** There with LogTape's `captureSourceLocation`. */
  readonly sourceLocation?: { readonly file: string; readonly line: number }
}

/** A sink as LogTape's `configure` takes it. */
export type LogTapeSink<R extends LogTapeRecord = LogTapeRecord> = (record: R) => void

/** Options of `logtapeSink`. */
export interface LogTapeSinkOptions {
  /**
   * Whether LogTape's `dispose()` and `reset()` wait until what was logged is written. `configureSync` takes only sinks without it; they lose
   * nothing either, because the end of the process waits.
   * @default true
   */
  readonly flushOnDispose?: boolean
}

/* Records whose flow was captured before a sink that holds them back. */
const flows = new WeakMap<LogTapeRecord, Pick<Told, 'captured' | 'scope'>>()

/**
 * A sink for LogTape that is our appenders: `configure({ sinks: { lane: logtapeSink() }, ... })`.
 *
 * The category `['orders', 'db']` is the logger name `orders.db`; properties are fields, and the first Error among `err`, `error` and
 * `exception` is `err`; a source location is `caller`. LogTape's levels decide which lines there are, `configure` of tracelane where they go. The ids are those of the flow
 * in which LogTape calls the sink, which is the log call; a sink that holds records back (`fingersCrossed`, `fromAsyncSink`) goes into
 * `captureTrace`. Never throws while logging; throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function logtapeSink(options: LogTapeSinkOptions = {}): LogTapeSink {
  checkOptions('logtapeSink', options, { flushOnDispose: rules.boolean })
  const sink = (record: LogTapeRecord): void => {
    enter(levelOfName(record.level) ?? 'info', record.category.join('.') || 'logtape', () => ({
      msg: record.message.map((part, i) => (i % 2 === 0 ? String(part) : textOf(part))).join(''),
      ...fieldsOf(record.properties),
      time: record.timestamp,
      ...flows.get(record),
      caller: record.sourceLocation && placeOf(record.sourceLocation),
    }))
  }
  if (options.flushOnDispose === false) return sink
  return Object.assign(sink, {
    async [Symbol.asyncDispose](): Promise<void> {
      await flush()
    },
  })
}

/**
 * A sink that captures the trace of the log call before `sink`, which may hold records back and give them to `logtapeSink` later, from
 * another flow: `captureTrace(fingersCrossed(logtapeSink()))`. `sink` itself sees the same records as without.
 */
export function captureTrace<R extends LogTapeRecord>(sink: LogTapeSink<R>): LogTapeSink<R> {
  const capturing = (record: R): void => {
    flows.set(record, { captured: captureFlow(), scope: currentScope() })
    sink(record)
  }
  // What else a sink has is how LogTape disposes of it.
  return Object.defineProperties(capturing, ownPartsOf(sink))
}

function ownPartsOf(sink: object): PropertyDescriptorMap {
  const {
    length: _length,
    name: _name,
    prototype: _prototype,
    ...parts
  } = Object.getOwnPropertyDescriptors(sink) as PropertyDescriptorMap
  return parts
}

function placeOf({ file, line }: { readonly file: string; readonly line: number }): Caller {
  return { file: file.startsWith('file:') ? fileURLToPath(file) : file, line, function: undefined }
}

/* In this order, which is that of how sure the name is. */
const ERROR_KEYS = ['err', 'error', 'exception']

function fieldsOf(properties: Readonly<Record<string, unknown>>): { fields: Readonly<Record<string, unknown>>; err: unknown } {
  const key = ERROR_KEYS.find((name) => Object.hasOwn(properties, name) && isError(properties[name]))
  if (key === undefined) return { fields: properties, err: undefined }
  const { [key]: err, ...fields } = properties
  return { fields, err }
}
