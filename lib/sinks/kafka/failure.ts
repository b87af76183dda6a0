/** What went wrong with a request to Kafka, in words for people. Neither user names nor passwords are in them. */
export interface KafkaFailure {
  readonly reason: string
  /** Whether the brokers will never take these records, however often they are sent. */
  readonly poison: boolean
}

/** What is read of an error of the client. */
interface ClientError {
  readonly message?: string
  readonly code?: string
  /** The name of the error in Kafka's protocol. */
  readonly apiId?: string
  readonly cause?: unknown
  readonly errors?: readonly unknown[]
}

const POISON: ReadonlySet<string> = new Set([
  ...['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'INVALID_TIMESTAMP'],
])
const FORBIDDEN: ReadonlySet<string> = new Set([
  ...['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'],
])
const SHOWN_CHARACTERS = 200
const MAX_DEPTH = 10

/** Reads an error of the client, which wraps others several deep; `topic` is the one that was asked for. */
export function failureOf(error: unknown, topic: string): KafkaFailure {
  const all = unwrap(error)
  const find = (matches: (one: ClientError) => boolean): ClientError | undefined => all.find(matches)
  const poison = find(({ apiId = '' }) => POISON.has(apiId))
  if (poison !== undefined) return { reason: `refused: ${poison.apiId}`, poison: true }
  const said = (reason: string): KafkaFailure => ({ reason, poison: false })
  if (find(({ code, apiId }) => code === 'PLT_KFK_AUTHENTICATION' || apiId === 'SASL_AUTHENTICATION_FAILED')) {
    return said('the brokers refuse the credentials in sasl')
  }
  // Of a token they say so only to the next request.
  if (find(({ apiId }) => apiId === 'ILLEGAL_SASL_STATE')) return said('the brokers refuse the token in sasl')
  if (find(({ apiId, message = '' }) => apiId === 'UNKNOWN_TOPIC_OR_PARTITION' || message.startsWith('Unknown topic'))) {
    return said(`there is no topic '${topic}', and it is not made here`)
  }
  const forbidden = find(({ apiId = '' }) => FORBIDDEN.has(apiId))
  if (forbidden !== undefined) return said(`not allowed: ${forbidden.apiId}`)
  const answer = find(({ apiId }) => apiId !== undefined)
  if (answer !== undefined) return said(`answered ${answer.apiId}`)
  // What Node says is the most exact, and the deepest.
  const inner = all.findLast(({ code = '' }) => code !== '' && !code.startsWith('PLT_KFK_')) ?? all.at(-1)
  return said(plain(inner?.message ?? 'for no reason given'))
}

/* The error and what it was made of, outside first. */
function unwrap(error: unknown, depth = 0): ClientError[] {
  if (typeof error !== 'object' || error === null || depth > MAX_DEPTH) return []
  const { cause, errors = [] } = error as ClientError
  return [error as ClientError, ...[cause, ...errors].flatMap((inner) => unwrap(inner, depth + 1))]
}

/* A certificate, for instance, may be a stranger's. */
function plain(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, SHOWN_CHARACTERS)
}

/** What a failed `send` of the client brought home all the same: the partitions whose records the brokers have. */
export function deliveredPartitions(error: unknown): ReadonlySet<number> {
  const found = new Set<number>()
  for (const one of unwrap(error)) {
    const { produced, response } = one as Receipts
    for (const { partition } of produced?.offsets ?? []) found.add(partition)
    const answers = (response?.responses ?? []).flatMap(({ partitionResponses }) => partitionResponses ?? [])
    for (const { index, errorCode } of answers) if (errorCode === 0) found.add(index)
  }
  return found
}

interface Receipts {
  readonly produced?: { readonly offsets?: readonly { readonly partition: number }[] }
  readonly response?: {
    readonly responses?: readonly {
      readonly partitionResponses?: readonly { readonly index: number; readonly errorCode: number }[]
    }[]
  }
}
