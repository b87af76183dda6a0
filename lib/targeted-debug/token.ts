import { TracelaneError } from '../errors'
import { LEVELS, type Level } from '../event'
import { crypto } from '../internal/builtin'
import { checkOptions, type Rule, rules } from '../internal/options'

/*
 * The value of the header `tracelane-level`, and of the baggage member of that name:
 *
 *   debug                                        unsigned: from a trusted peer only
 *   debug.1763683905                             unsigned, with its end in seconds since the epoch
 *   debug.1763683905.all.<mac>                   signed, for whatever trace it comes with
 *   debug.1763683905.<trace id>.<mac>            signed, for one trace
 *
 *   mac = base64url(HMAC-SHA256(secret, 'tracelane-level.' + what stands before the last dot))
 */
const TOKEN = /^(?<level>[a-z]+)(?:\.(?<end>\d{1,12})(?:\.(?<scope>all|[0-9a-f]{32})\.(?<mac>[A-Za-z0-9_-]{43}))?)?$/
const MAX_LENGTH = 128
const EVERY_TRACE = 'all'
const TRACE_ID = /^(?!0{32}$)[0-9a-f]{32}$/

/** The farthest end that is believed, in seconds from now. */
const MAX_SECONDS = 86_400
/** How long an unsigned one without an end holds. */
const UNSIGNED_SECONDS = 3_600

/** What a value says, whoever may have said it. */
export interface LevelToken {
  readonly level: Level
  /** Until when it holds: milliseconds since the epoch. */
  readonly until: number
  /** The trace id for which it was signed, or `all`; undefined: it is not signed. */
  readonly scope: string | undefined
  readonly mac: string
}

/** Options of `signLevel`. */
export interface SignLevelOptions {
  /** What the services have as `targetedDebug.secret`: a text that is not empty. */
  readonly secret: string
  /**
   * The level that the trace gets.
   * @default 'debug'
   */
  readonly level?: Level
  /**
   * How long the value holds, in seconds from 1 to 86,400.
   * @default 600
   */
  readonly expiresInSeconds?: number
  /**
   * The only trace for which it holds: 32 lower hex digits.
   * @default whatever trace it comes with
   */
  readonly traceId?: string
}

const traceIdRule: Rule = (value) =>
  typeof value === 'string' && TRACE_ID.test(value) ? undefined : 'a trace id: 32 lower hex digits, not all zero'

const RULES = {
  secret: rules.string,
  level: rules.oneOf(...LEVELS),
  expiresInSeconds: rules.integer(1, MAX_SECONDS),
  traceId: traceIdRule,
}

/**
 * The value of a header `tracelane-level` that turns one trace to another level, for services that have the same secret. Whoever sees it can use
 * it until it expires; one with a `traceId` holds for that trace only. Throws ERR_TRACELANE_OPTION_* for wrong options.
 */
export function signLevel(options: SignLevelOptions): string {
  checkOptions('signLevel', options, RULES, ['secret'])
  const { secret, level = 'debug', expiresInSeconds = 600, traceId = EVERY_TRACE } = options
  return signed(secret, level, Date.now() + expiresInSeconds * 1000, traceId)
}

/** A signed value; `until` is rounded to seconds. */
export function signed(secret: string, level: Level, until: number, scope: string): string {
  const said = `${level}.${Math.round(until / 1000)}.${scope}`
  return `${said}.${macOf(secret, said).toString('base64url')}`
}

/** An unsigned value. */
export function unsigned(level: Level, until: number): string {
  return `${level}.${Math.round(until / 1000)}`
}

/** Reads a value; undefined if it is none, or its end has come or is too far away. */
export function parseToken(text: string, now: number): LevelToken | undefined {
  const { level, end, scope, mac = '' } = text.length > MAX_LENGTH ? {} : (TOKEN.exec(text)?.groups ?? {})
  if (!LEVELS.includes(level as Level)) return undefined
  const until = end === undefined ? now + UNSIGNED_SECONDS * 1000 : Number(end) * 1000
  if (until <= now || until > now + (MAX_SECONDS + 1) * 1000) return undefined
  return { level: level as Level, until, scope, mac }
}

/** Whether a value has a signature, right or wrong. */
export function isSigned(text: string): boolean {
  return text.length <= MAX_LENGTH && TOKEN.exec(text)?.groups?.['mac'] !== undefined
}

/** Whether a signed value was signed with one of `secrets`, and for the trace of `traceId`. Compares in constant time. */
export function isGenuine({ level, until, scope, mac }: LevelToken, traceId: string, secrets: readonly string[]): boolean {
  if (scope !== EVERY_TRACE && scope !== traceId) return false
  const given = Buffer.from(mac, 'base64url')
  const said = `${level}.${until / 1000}.${scope}`
  // No early end: how long it takes must not tell which secret it was.
  return secrets.reduce((found, secret) => crypto().timingSafeEqual(macOf(secret, said), given) || found, false)
}

function macOf(secret: string, said: string): Buffer {
  return crypto().createHmac('sha256', secret).update(`tracelane-level.${said}`).digest()
}

/** The secret of the environment, or none. Throws ERR_TRACELANE_OPTION_INVALID. */
export function secretOfEnvironment(): string {
  const secret = process.env['TRACELANE_LEVEL_SECRET']
  if (secret) return secret
  throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', "the environment's TRACELANE_LEVEL_SECRET must have the secret")
}
