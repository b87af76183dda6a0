import { type BatchResult, DELIVERED } from '../sink'

/** What has rows of a batch in it. */
export interface WithRows {
  readonly rows: readonly number[]
}

/** What became of messages: each of them is in one of the lists, or was not sent. */
export interface Outcome<Message extends WithRows> {
  readonly delivered: Message[]
  readonly rejected: Message[]
  readonly retryable: Message[]
  reason: string
}

/** Nothing is known yet. */
export function newOutcome<Message extends WithRows>(): Outcome<Message> {
  return { delivered: [], rejected: [], retryable: [], reason: '' }
}

/** What is said of a batch of so many `events`. */
export interface ResultWords {
  readonly events: number
  /** Indexes of rows that were not sent because they are too large. */
  readonly tooLarge: readonly number[]
  /** The option that they are too large for. */
  readonly limit: string
  /** The destination. */
  readonly name: string
}

/** The result of a batch whose messages came to `outcome`. */
export function resultOf(outcome: Outcome<WithRows>, { events, tooLarge, limit, name }: ResultWords): BatchResult {
  const rejected = [...tooLarge, ...rowsOf(outcome.rejected)].sort((a, b) => a - b)
  const retryable = rowsOf(outcome.retryable).sort((a, b) => a - b)
  if (rejected.length + retryable.length === 0) return DELIVERED
  const reason = `${name}: ${outcome.reason === '' ? `a line is larger than '${limit}'` : outcome.reason}`
  if (retryable.length === events) return { outcome: 'retryable', reason }
  if (rejected.length === events) return { outcome: 'rejected', reason }
  return { outcome: 'partial', rejected, retryable, reason }
}

function rowsOf(messages: readonly WithRows[]): number[] {
  return messages.flatMap(({ rows }) => rows)
}
