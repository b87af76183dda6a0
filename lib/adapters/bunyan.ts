import { Writable } from 'node:stream'
import { type Caller, captureEvent, isError } from '../event'
import { checkOptions, rules } from '../internal/options'
import { flush } from '../logger'
import { revivedError } from './errors'
import { levelOfNumber } from './level-names'
import { lineScope } from './line-scope'
import { toAppenders } from './to-appenders'

/** Options of `tracelaneStream`. */
export interface BunyanStreamOptions {
  /**
   * The logger name under which lines enter: it decides which appenders they go to.
   * @default bunyan's own `name`
   */
  readonly logger?: string
}

/**
 * A raw stream for bunyan that is our appenders: `streams: [{ type: 'raw', stream: tracelaneStream() }]`.
 *
 * Each record becomes an event with the ids and the MDC of the flow that logs, of the logger's `name`; `src` becomes `caller`. bunyan's
 * level decides which there are, serializers run before. Where the lines go is said by `configure`. After `end`, which is not needed, 'finish'
 * comes when all is written. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function tracelaneStream(options: BunyanStreamOptions = {}): Writable {
  checkOptions('tracelaneStream', options, { logger: rules.string })
  return new TracelaneStream(options.logger)
}

/**
 * bunyan's `err` serializer with what its own leaves out, the cause and the fields of the error: `serializers: { err: errSerializer }`.
 * What is not an error stays as it is.
 */
export function errSerializer(err: unknown): unknown {
  return isError(err) ? serialized(err, []) : err
}

class TracelaneStream extends Writable {
  readonly #logger: string | undefined

  constructor(logger: string | undefined) {
    super({ objectMode: true })
    this.#logger = logger
  }

  /* bunyan writes inside the log call; without a queue in between it stays there. */
  override write(record: unknown): boolean {
    const whole = typeof record === 'string' ? readRecord(record) : record
    if (typeof whole === 'object' && whole !== null) take(whole as Record<string, unknown>, this.#logger)
    return true
  }

  override _final(callback: () => void): void {
    void flush().then(() => callback())
  }
}

/* A stream that was not given the type raw gets texts. */
function readRecord(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return { msg: text.trimEnd() }
  }
}

/* Ours, or without meaning here: `v` is the version of bunyan's format. */
const NO_FIELDS: ReadonlySet<string> = new Set(['name', 'hostname', 'pid', 'level', 'msg', 'time', 'v', 'err', 'src'])

function take(record: Readonly<Record<string, unknown>>, logger: string | undefined): void {
  const { name, level, msg, err, src } = record
  const error = revivedError(err)
  const fields: Record<string, unknown> = {}
  for (const key of Object.keys(record)) if (!NO_FIELDS.has(key)) fields[key] = record[key]
  if (err !== undefined && error === undefined) fields['err'] = err
  toAppenders(
    captureEvent(lineScope(), {
      level: levelOfNumber(Number(level ?? 30)),
      logger: logger ?? (typeof name === 'string' ? name : 'bunyan'),
      msg: typeof msg === 'string' ? msg : '',
      fields,
      err: error,
      caller: callerOf(src),
    }),
  )
}

/* bunyan's `src: { file, line, func? }`, which is empty where the code is strict. */
function callerOf(src: unknown): Caller | undefined {
  const { file, line, func } = (src ?? {}) as Readonly<Record<string, unknown>>
  if (typeof file !== 'string') return undefined
  return { file, line: Number(line ?? 0), function: typeof func === 'string' ? func : undefined }
}

function serialized(error: Error, above: readonly Error[]): unknown {
  if (above.includes(error)) return '[cycle]'
  const { name, message, stack, cause } = error
  // VError's cause is a method.
  const reason: unknown = typeof cause === 'function' ? cause.call(error) : cause
  return {
    ...error,
    message,
    name,
    stack,
    ...(reason === undefined ? {} : { cause: isError(reason) ? serialized(reason, [...above, error]) : reason }),
  }
}
