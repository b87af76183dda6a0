import type { Status } from './encoder'

/** What went wrong with a message, in words for people. No credentials are in them. */
export interface RocketmqFailure {
  readonly reason: string
  /** Whether the brokers will never take this message, however often it is sent. */
  readonly poison: boolean
}

/** A proxy has refused a message. */
export class Refusal extends Error {
  readonly status: Status

  constructor(status: Status) {
    super(status.message)
    this.status = status
  }
}

const NAMES: Readonly<Record<number, string>> = {
  40002: 'ILLEGAL_TOPIC',
  40003: 'ILLEGAL_CONSUMER_GROUP',
  40004: 'ILLEGAL_MESSAGE_TAG',
  40006: 'ILLEGAL_MESSAGE_GROUP',
  40007: 'ILLEGAL_MESSAGE_PROPERTY_KEY',
  40014: 'MESSAGE_PROPERTY_CONFLICT_WITH_TYPE',
  40011: 'ILLEGAL_INVISIBLE_TIME',
  40013: 'INVALID_RECEIPT_HANDLE',
  40016: 'MESSAGE_CORRUPTED',
  40403: 'CONSUMER_GROUP_NOT_FOUND',
  41300: 'PAYLOAD_TOO_LARGE',
  41301: 'MESSAGE_BODY_TOO_LARGE',
  41302: 'MESSAGE_BODY_EMPTY',
  42900: 'TOO_MANY_REQUESTS',
  43100: 'REQUEST_HEADER_FIELDS_TOO_LARGE',
  43101: 'MESSAGE_PROPERTIES_TOO_LARGE',
  50001: 'INTERNAL_SERVER_ERROR',
  50002: 'HA_NOT_AVAILABLE',
  50400: 'PROXY_TIMEOUT',
  50401: 'MASTER_PERSISTENCE_TIMEOUT',
  50402: 'SLAVE_PERSISTENCE_TIMEOUT',
}
const POISON: ReadonlySet<number> = new Set([40016, 41300, 41301, 41302, 43100, 43101])
const CONFLICT = 40014
const UNAUTHORIZED = 40100
const FORBIDDEN = 40300
const NO_TOPIC: ReadonlySet<number> = new Set([40400, 40402])
/* Of gRPC. */
const DEADLINE_EXCEEDED = 4
const PERMISSION_DENIED = 7
const UNAUTHENTICATED = 16
const SHOWN_CHARACTERS = 200

/** Reads an error of `ProxyClient.send`. */
export function failureOf(error: unknown, topic: string, timeoutMs: number): RocketmqFailure {
  if (error instanceof Refusal) return refusalOf(error.status, topic)
  const { code, details, message } = error as { code?: unknown; details?: string; message?: string }
  const said = (reason: string): RocketmqFailure => ({ reason, poison: false })
  if (code === DEADLINE_EXCEEDED) return said(`no answer within ${timeoutMs} ms`)
  if (code === UNAUTHENTICATED) return said('the proxy refuses the credentials')
  if (code === PERMISSION_DENIED) return said('the proxy does not allow it')
  // gRPC wraps what Node says, which is more exact.
  const text = details ?? message ?? 'for no reason given'
  return said(plain(/Last error: (?:Error: )?(.*?)(?:\. Resolution note:.*)?$/s.exec(text)?.[1] ?? text))
}

function refusalOf({ code, message }: Status, topic: string): RocketmqFailure {
  const name = NAMES[code] === undefined ? String(code) : `${NAMES[code]} (${code})`
  if (POISON.has(code)) return { reason: `refused: ${name}`, poison: true }
  const said = (reason: string): RocketmqFailure => ({ reason, poison: false })
  // A proxy that knows no such topic says that its type is not the right one.
  if (NO_TOPIC.has(code) || (code === CONFLICT && /expected type is UNSPECIFIED/.test(message))) {
    return said(`there is no topic '${topic}', and it is not made here`)
  }
  if (code === CONFLICT) return said(`the topic '${topic}' is not of type FIFO`)
  if (code === UNAUTHORIZED) return said('the proxy refuses the credentials')
  if (code === FORBIDDEN) return said('the proxy does not allow it')
  return said(`answered ${name}`)
}

/* A certificate, for instance, may be a stranger's. */
function plain(text: string): string {
  return text
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, SHOWN_CHARACTERS)
}
