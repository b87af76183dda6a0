import { isMendable, judge, MENDABLE_AFTER_MS, retryable, type Saying, shown } from '../http/answer'
import type { Reply } from '../http/exchange'
import { type BatchResult, DELIVERED } from '../sink'
import { readMessage } from './protobuf'

/**
 * What OTLP/HTTP calls retryable (specification of OTLP, "Retryable response codes"); all other errors are not, by it. It does not ask what becomes of the records when a
 * password is wrong for an hour, so what is mendable is tried again here all the same, once in five seconds.
 */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504])

/** What a reply means for a request of so many records; `now` in milliseconds since the epoch. */
export function judgeOtlp(reply: Reply, saying: Saying, now: number, records: number): BatchResult {
  const read =
    reply.head === undefined ? reply : { head: reply.head, body: readable(reply.body, reply.head.headers['content-type']) }
  const result = judge(read, saying, now)
  const status = reply.head?.statusCode ?? 0
  if (result.outcome === 'retryable' && reply.head !== undefined && !RETRYABLE.has(status) && !isMendable(status)) {
    return { outcome: 'rejected', reason: result.reason }
  }
  if (result.outcome !== 'delivered' || reply.head === undefined) return result
  const contentType = reply.head.headers['content-type']
  // Some receivers answer with nothing, but none with a page.
  if (contentType?.includes('html') === true) {
    return retryable(`${saying.name} answered with a page, as no receiver does; is it the right address?`, MENDABLE_AFTER_MS)
  }
  const { rejected, message } = partialSuccess(reply.body, contentType)
  const said = shown(message, saying)
  if (!(rejected > 0)) return DELIVERED
  // How many it says, but not which ones: as many are counted.
  const count = Math.min(rejected, records)
  return {
    outcome: 'partial',
    rejected: Array.from({ length: count }, (_, i) => i),
    retryable: [],
    reason: `${saying.name} refused ${rejected} of ${records} records${said === '' ? '' : `: ${said}`}`,
  }
}

function isJson(contentType: string | undefined): boolean {
  return contentType?.includes('json') === true
}

/* Errors are a `google.rpc.Status`, whose field 2 is the message. */
function readable(body: Buffer, contentType: string | undefined): Buffer {
  if (contentType?.includes('protobuf') !== true) return body
  const message = readMessage(body)?.get(2)
  return message instanceof Uint8Array ? Buffer.from(message) : Buffer.alloc(0)
}

function partialSuccess(body: Buffer, contentType: string | undefined): { readonly rejected: number; readonly message: string } {
  if (isJson(contentType)) return partialOfJson(body.toString())
  const partial = readMessage(body)?.get(1)
  const fields = partial instanceof Uint8Array ? readMessage(partial) : undefined
  const [rejected, message] = [fields?.get(1), fields?.get(2)]
  return {
    rejected: typeof rejected === 'number' ? rejected : 0,
    message: message instanceof Uint8Array ? Buffer.from(message).toString() : '',
  }
}

function partialOfJson(text: string): { readonly rejected: number; readonly message: string } {
  try {
    const { partialSuccess: partial } = JSON.parse(text) as { partialSuccess?: Readonly<Record<string, unknown>> }
    const rejected = Number(partial?.['rejectedLogRecords'] ?? partial?.['rejectedSpans'] ?? 0)
    return { rejected: Number.isNaN(rejected) ? 0 : rejected, message: String(partial?.['errorMessage'] ?? '') }
  } catch {
    return { rejected: 0, message: '' }
  }
}
