import { runOutside } from '../../context'
import { retryable } from '../http/answer'
import { HttpClient, type PackedBody } from '../http/client'
import { Prepared } from '../prepared'
import type { AsyncSink, BatchEvent, BatchResult } from '../sink'
import { judgeOtlp } from './answer'
import { encodeSpans, Groups, logsToJson } from './encoder'
import { LogEncoder, LogMemory } from './log-encoder'
import type { OtlpSinkSpec } from './options'
import { LineReader, type LogRecord, type SpanRecord } from './record'

type Options = OtlpSinkSpec['options']

/* What goes in one request: its body, and the events in it by their places in the batch. */
interface Request<Body> {
  readonly path: string
  readonly body: Body
  readonly events: readonly number[]
}

/** Opens an OTLP receiver on this thread. Nothing is connected before the first batch. */
export function openOtlpSink(options: Options): AsyncSink {
  const json = options.encoding === 'json'
  const client = new HttpClient(options, 'POST', json ? 'application/json' : 'application/x-protobuf')
  const { saying } = client
  const maker = new RequestMaker(options)

  async function send(requests: readonly Request<PackedBody>[], rows: readonly BatchEvent[]): Promise<BatchResult> {
    const results: { readonly events: readonly number[]; readonly result: BatchResult }[] = []
    for (const { path, body, events } of requests) {
      const reply = await client.send(body, {}, path)
      results.push({ events, result: judgeOtlp(reply, saying, Date.now(), events.length) })
    }
    return combined(results, rows.length)
  }

  const made = new Prepared((batch) => {
    const requests = maker.requestsOf(batch.lines, batch.rows())
    return Promise.all(requests.map(async ({ body, ...request }) => ({ ...request, body: await client.pack(body) })))
  })
  return {
    sending: options,
    prepare: (batch) => made.begin(batch),
    async send(batch) {
      try {
        const rows = batch.rows()
        const requests = await made.of(batch)
        return await runOutside(() => send(requests, rows))
      } catch (error) {
        return retryable(`${saying.name} failed: ${(error as Error).message}`)
      }
    },
    async close() {
      client.close()
    },
  }
}

/* Makes requests of batches. Before anything is awaited: the lines may be a view of memory that is written over then. */
class RequestMaker {
  readonly #options: Options
  readonly #base: string
  readonly #memory = new LogMemory()

  constructor(options: Options) {
    this.#options = options
    this.#base = new URL(options.url).pathname.replace(/\/(v1\/(logs|traces)\/?)?$/, '')
  }

  requestsOf(lines: Uint8Array, rows: readonly BatchEvent[]): Request<Buffer>[] {
    const { encoding, spans, ordering, resource } = this.#options
    const reader = new LineReader(ordering, resource)
    const logs = encoding === 'json' ? undefined : new LogEncoder(lines, reader, this.#memory, ordering, spans === 'logs')
    const jsonLogs = new Groups<LogRecord>()
    const traces = new Groups<SpanRecord>()
    const [logEvents, spanEvents]: [number[], number[]] = [[], []]
    const text = Buffer.from(lines.buffer, lines.byteOffset, lines.length)
    for (let i = 0; i < rows.length; i++) {
      const { start, end, severity } = rows[i] as BatchEvent
      if (logs?.add(start, end, severity) === true) {
        logEvents.push(i)
        continue
      }
      const reading = reader.read(text.toString('utf8', start, end), severity)
      const asSpan = spans === 'logs' ? undefined : reading.span
      if (asSpan !== undefined) {
        traces.add(reading.resource, reading.scope, asSpan)
        spanEvents.push(i)
      }
      if (asSpan !== undefined && spans === 'traces') continue
      if (logs === undefined) jsonLogs.add(reading.resource, reading.scope, reading.log)
      else logs.addReading(reading)
      logEvents.push(i)
    }
    const [logsPath, tracesPath] = [`${this.#base}/v1/logs`, `${this.#base}/v1/traces`]
    return [
      ...(logEvents.length === 0 ? [] : [{ path: logsPath, body: logs?.finish() ?? logsToJson(jsonLogs), events: logEvents }]),
      ...(traces.isEmpty ? [] : [{ path: tracesPath, body: encodeSpans(traces, encoding), events: spanEvents }]),
    ]
  }
}

/* One result of those of the requests that the batch has become. What one of two requests is refused for is sought by the next try, of that part alone. */
function combined(
  results: readonly { readonly events: readonly number[]; readonly result: BatchResult }[],
  events: number,
): BatchResult {
  const whole = results.filter((each) => each.events.length === events)
  if (results.length === 1 && whole[0] !== undefined) return whole[0].result
  const disliked = whole.find(({ result }) => result.outcome === 'rejected' && result.divisible === true)
  if (disliked !== undefined) return disliked.result
  const rejected = new Set<number>()
  const again = new Set<number>()
  const reasons = new Set<string>()
  let retryAfterMs = 0
  for (const { events: places, result } of results) {
    if (result.outcome === 'delivered') continue
    reasons.add(result.reason)
    retryAfterMs = Math.max(retryAfterMs, result.retryAfterMs ?? 0)
    if (result.outcome === 'partial') for (const i of result.rejected) rejected.add(places[i] as number)
    else {
      const isFinal = result.outcome === 'rejected' && result.divisible !== true
      for (const place of places) (isFinal ? rejected : again).add(place)
    }
  }
  if (reasons.size === 0) return { outcome: 'delivered' }
  return {
    outcome: 'partial',
    rejected: [...rejected],
    retryable: [...again].filter((place) => !rejected.has(place)).sort((a, b) => a - b),
    reason: [...reasons].join('; '),
    ...(retryAfterMs > 0 ? { retryAfterMs } : {}),
  }
}
