import { type BatchResult, DELIVERED } from '../sink'
import type { Reply } from './exchange'
import { retryAfterMs } from './retry-after'

/** Statuses below 500 after which the same request may work later: a time-out, too early, too many. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429])
/** Statuses that are about what was sent, not about who sends it where: not understood, too large, no good. */
const CONTENT: ReadonlySet<number> = new Set([400, 413, 422])
/* Statuses that are about who sends it where: a password, a right, a path or an index, which somebody mends without this process. */
const MENDABLE: ReadonlySet<number> = new Set([401, 403, 404, 407])
/** How long such a server, or a stranger in its place, is left alone: some lock out who is wrong too often. */
export const MENDABLE_AFTER_MS = 5_000
const SHOWN_CHARACTERS = 200
/** Shorter ones are no secrets, and would be found in each text. */
const MIN_SECRET = 4

/** What is said about a destination without giving away more than where it is. */
export interface Saying {
  /** `POST https://logs.example:8080` */
  readonly name: string
  /** What must not be shown though a server may repeat it: values of headers, the password. */
  readonly secrets: readonly string[]
}

/** What a reply means for the batch; `now` in milliseconds since the epoch. */
export function judge(reply: Reply, saying: Saying, now: number): BatchResult {
  const { name } = saying
  if (reply.head === undefined) return retryable(`${name} failed: ${shown(reply.failure, saying)}`)
  const { statusCode: status = 0, statusMessage = '', headers } = reply.head
  if (status >= 200 && status < 300) return DELIVERED
  const said = `${name} answered ${[status, shown(statusMessage, saying)].join(' ').trim()}`
  if (status >= 300 && status < 400) {
    const where = originOf(headers.location)
    const cure = "redirects are not followed, give the address itself as 'url'"
    return retryable(`${said}${where === undefined ? '' : ` to ${where}`}: ${cure}`, MENDABLE_AFTER_MS)
  }
  const body = shown(reply.body.toString(), saying)
  const reason = body === '' ? said : `${said}: ${body}`
  if (isMendable(status)) return retryable(reason, MENDABLE_AFTER_MS)
  if (status < 500 && !LATER.has(status))
    return { outcome: 'rejected', reason, ...(CONTENT.has(status) ? { divisible: true } : {}) }
  return retryable(reason, retryAfterMs(headers['retry-after'], headers.date, now))
}

/** Whether a status says that nothing is wrong with what was sent, but with who sends it or where to, redirects too: then it is kept until that is mended. */
export function isMendable(status: number): boolean {
  return MENDABLE.has(status) || (status >= 300 && status < 400)
}

/** Not now, but perhaps later. */
export function retryable(reason: string, retryAfter?: number): BatchResult {
  return { outcome: 'retryable', reason, ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter }) }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const UNSAFE = /[\s\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g

/** Text of a stranger, for a line on a terminal: without secrets and control characters, and not long. */
export function shown(text: string, { secrets }: Saying): string {
  const masked = secrets.reduce(
    (rest, secret) => (secret.length < MIN_SECRET ? rest : rest.replaceAll(secret, '[redacted]')),
    text,
  )
  return [...masked.replace(UNSAFE, ' ').trim()].slice(0, SHOWN_CHARACTERS).join('')
}

function originOf(location: string | undefined): string | undefined {
  return location !== undefined && URL.canParse(location) ? new URL(location).origin : undefined
}
