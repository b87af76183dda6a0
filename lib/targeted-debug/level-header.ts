import { overrideLevel, rootOf, TraceContext } from '../context'
import { counters } from '../diagnostics'
import { LEVELS, type Level, SEVERITY } from '../event'
import { targetedDebug } from './policy'
import { isGenuine, isSigned, type LevelToken, parseToken, signed, unsigned } from './token'

/** The header, and the baggage member, that turns a trace to another level. */
export const LEVEL_HEADER = 'tracelane-level'

/**
 * Gives the trace of `context` the level that `header` or, without one, its baggage asks for, if it is signed or its sender is `trusted`. What
 * is asked for without right, for another trace or too late is counted, and nothing else.
 *
 * Returns the context to go on with. In its baggage is, in the place of what came, a value that holds for this trace only.
 */
export function receiveLevel(
  context: TraceContext,
  header: string | readonly string[] | undefined,
  trusted: boolean,
): TraceContext {
  const inBaggage = header === undefined
  const text = inBaggage ? context.baggage.get(LEVEL_HEADER) : header
  if (text === undefined) return context
  const token = typeof text === 'string' ? parseToken(text, Date.now()) : undefined
  if (token === undefined || !isAllowed(token, context.traceId, trusted)) {
    counters.levelsRejected++
    return context
  }
  counters.levelsAccepted++
  const { level, until } = token
  const root = rootOf(context)
  overrideLevel(root, { severity: SEVERITY[level], until })
  if (!inBaggage) return context
  return new TraceContext(
    { ...context, baggage: context.baggage.with(LEVEL_HEADER, valueFor(context.traceId, level, until)) },
    root,
  )
}

/**
 * `context` without the baggage member of somebody who is not trusted, unless it is signed: handed on, it would be believed by those who trust us.
 * One that is taken out is counted.
 */
export function withoutUnsigned(context: TraceContext): TraceContext {
  const text = context.baggage.get(LEVEL_HEADER)
  if (text === undefined || isSigned(text)) return context
  counters.levelsRejected++
  return new TraceContext({ ...context, baggage: context.baggage.without(LEVEL_HEADER) }, rootOf(context))
}

function isAllowed(token: LevelToken, traceId: string, trusted: boolean): boolean {
  if (token.scope === undefined) return trusted
  return isGenuine(token, traceId, targetedDebug.secrets)
}

/** What to tell a service that is called in `context` about the level of its trace; undefined if it has none of its own. */
export function levelValue(context: TraceContext): string | undefined {
  const { levelOverride } = rootOf(context)
  if (levelOverride === undefined || Date.now() >= levelOverride.until) return undefined
  return valueFor(context.traceId, levelOf(levelOverride.severity), levelOverride.until)
}

/* Signed for this one trace, so that whoever is told can use it for nothing else. */
function valueFor(traceId: string, level: Level, until: number): string {
  const [secret] = targetedDebug.secrets
  return secret === undefined ? unsigned(level, until) : signed(secret, level, until, traceId)
}

function levelOf(severity: number): Level {
  return LEVELS.find((level) => SEVERITY[level] === severity) ?? 'debug'
}
