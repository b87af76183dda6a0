import { isMendable, judge, retryable as later, MENDABLE_AFTER_MS, type Saying, shown } from '../http/answer'
import type { Reply } from '../http/exchange'
import { type BatchResult, DELIVERED } from '../sink'

interface Item {
  readonly status?: unknown
  readonly error?: { readonly type?: unknown; readonly reason?: unknown } | string
}

/* The document is there: an earlier try brought it. */
const CONFLICT = 409
const MOST_REASONS = 3

/** What was asked for. */
export interface Asked {
  /** How many documents were sent. */
  readonly documents: number
  /** How much of an answer is read, in bytes. */
  readonly maxResponseBytes: number
}

/** What a reply means for a `_bulk` request; `now` in milliseconds since the epoch. */
export function judgeBulk(reply: Reply, saying: Saying, now: number, { documents, maxResponseBytes }: Asked): BatchResult {
  const result = judge(reply, saying, now)
  if (result.outcome !== 'delivered' || reply.head === undefined) return result
  const items = itemsOf(reply.body)
  if (items === 'without errors') return DELIVERED
  if (items?.length === documents) return resultOf(items, saying)
  // With fewer documents the answer is shorter; what came is there by its id.
  if (items !== undefined || reply.body.length >= maxResponseBytes) {
    const reason = `${saying.name} gave an answer that does not fit the documents, or is too long`
    return { outcome: 'rejected', reason, divisible: true }
  }
  // Nobody knows what became of the documents, and they have done nothing to it.
  if (!reply.head.complete) return later(`${saying.name} gave an answer that broke off`)
  return later(`${saying.name} gave an answer that is none to _bulk; is it the right address?`, MENDABLE_AFTER_MS)
}

function resultOf(items: readonly Item[], saying: Saying): BatchResult {
  const rejected: number[] = []
  const retryable: number[] = []
  const reasons = new Set<string>()
  items.forEach((item, i) => {
    const status = typeof item.status === 'number' ? item.status : 0
    if ((status >= 200 && status < 300) || status === CONFLICT) return
    if (status === 429 || status >= 500 || isMendable(status)) retryable.push(i)
    else rejected.push(i)
    if (reasons.size < MOST_REASONS) reasons.add(reasonOf(item, status))
  })
  if (rejected.length + retryable.length === 0) return DELIVERED
  const counts = [
    ...(rejected.length > 0 ? [`refused ${rejected.length} of ${items.length} documents`] : []),
    ...(retryable.length > 0 ? [`does not take ${retryable.length} of ${items.length} documents now`] : []),
  ].join(' and ')
  return {
    outcome: 'partial',
    rejected,
    retryable,
    reason: `${saying.name} ${counts}: ${shown([...reasons].join('; '), saying)}`,
  }
}

function reasonOf({ error }: Item, status: number): string {
  if (typeof error === 'string') return `${status} ${error}`
  return [status, error?.type, error?.reason].filter((part) => part !== undefined).join(' ')
}

function itemsOf(body: Buffer): Item[] | 'without errors' | undefined {
  try {
    const { errors, items } = JSON.parse(body.toString()) as { errors?: unknown; items?: unknown }
    if (errors === false) return 'without errors'
    // Each item is the result by the name of its action.
    return Array.isArray(items) ? items.map((item) => (Object.values(item as object)[0] ?? {}) as Item) : undefined
  } catch {
    return undefined
  }
}
