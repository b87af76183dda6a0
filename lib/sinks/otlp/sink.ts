import { runOutside } from '../../context'
import { retryable } from '../http/answer'
import { HttpClient } from '../http/client'
import type { AsyncSink, BatchEvent, BatchResult } from '../sink'
import { judgeOtlp } from './answer'
import { encodeLogs, encodeSpans, Groups } from './encoder'
import type { OtlpSinkSpec } from './options'
import { LineReader, type LogRecord, type SpanRecord } from './record'

type Options = OtlpSinkSpec['options']

/* What goes in one request: its body, and the events in it by their places in the batch. */
interface Request {
  readonly path: string
  readonly body: Buffer
  readonly events: readonly number[]
}

/** Opens an OTLP receiver on this thread. Nothing is connected before the first batch. */
export function openOtlpSink(options: Options): AsyncSink {
  const json = options.encoding === 'json'
  const client = new HttpClient(options, 'POST', json ? 'application/json' : 'application/x-protobuf')
  const { saying } = client

  async function send(requests: readonly Request[], rows: readonly BatchEvent[]): Promise<BatchResult> {
    const results: { readonly events: readonly number[]; readonly result: BatchResult }[] = []
    for (const { path, body, events } of requests) {
      const reply = await client.send(body, {}, path)
      results.push({ events, result: judgeOtlp(reply, saying, Date.now(), events.length) })
    }
    return combined(results, rows.length)
  }

  return {
    sending: options,
    async send(batch) {
      try {
        const rows = batch.rows()
        const requests = requestsOf(Buffer.from(batch.lines), rows, options)
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

function requestsOf(lines: Buffer, rows: readonly BatchEvent[], options: Options): Request[] {
  const { encoding, spans, ordering } = options
  const base = new URL(options.url).pathname.replace(/\/(v1\/(logs|traces)\/?)?$/, '')
  const reader = new LineReader(ordering, options.resource)
  const [logs, logEvents] = [new Groups<LogRecord>(), [] as number[]]
  const [traces, spanEvents] = [new Groups<SpanRecord>(), [] as number[]]
  rows.forEach(({ start, end, severity }, i) => {
    const { resource, scope, log, span } = reader.read(lines.toString('utf8', start, end), severity)
    const asSpan = spans === 'logs' ? undefined : span
    if (asSpan !== undefined) {
      traces.add(resource, scope, asSpan)
      spanEvents.push(i)
    }
    if (asSpan !== undefined && spans === 'traces') return
    logs.add(resource, scope, log)
    logEvents.push(i)
  })
  return [
    ...(logs.isEmpty ? [] : [{ path: `${base}/v1/logs`, body: encodeLogs(logs, encoding), events: logEvents }]),
    ...(traces.isEmpty ? [] : [{ path: `${base}/v1/traces`, body: encodeSpans(traces, encoding), events: spanEvents }]),
  ]
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
