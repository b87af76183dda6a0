import { runOutside } from '../context'
import { TracelaneError } from '../errors'
import { isThreshold, SEVERITY, type Threshold } from '../event'
import { checkOptions, rules } from '../internal/options'
import { processWide } from '../internal/runtime'
import { allNodes, type LoggerNode, nodeOf, rootNode, setNodeLevel } from './hierarchy'

/** Options of `setLevel`. */
export interface SetLevelOptions {
  /**
   * After how many milliseconds the level falls back to what it was, from 1 to 2,147,483,647 (24 days).
   * @default never
   */
  readonly forMs?: number
}

/** The level of one logger, in the words of Spring Boot's actuator. */
export interface LoggerLevel {
  /** Its own; undefined if it has none, and takes that of the logger above. */
  readonly configuredLevel: Threshold | undefined
  readonly effectiveLevel: Threshold
  /** When the level falls back: milliseconds since the epoch; undefined if it stays. */
  readonly expiresAt: number | undefined
}

/** The longest time of a timer of Node. */
export const MAX_FOR_MS = 2 ** 31 - 1

interface Expiry {
  readonly before: Threshold | undefined
  readonly at: number
  readonly timer: NodeJS.Timeout
}

const expiries = processWide('logger.expiries.1', () => new Map<LoggerNode, Expiry>())

/**
 * Changes the level of the logger called `name` in the running process, and with it that of all below without one of their own;
 * undefined takes it away. The empty name and `ROOT` are the root, which must have one.
 *
 * It holds until it expires, is set again, or `configure` or `close` is called. Throws ERR_TRACELANE_ARGUMENT_INVALID for what is no
 * level, ERR_TRACELANE_OPTION_* for wrong options.
 */
export function setLevel(name: string, level: Threshold | undefined, options: SetLevelOptions = {}): void {
  checkOptions('setLevel', options, { forMs: rules.integer(1, MAX_FOR_MS) })
  if (typeof name !== 'string') throw new TracelaneError('ERR_TRACELANE_ARGUMENT_INVALID', 'setLevel needs the name of a logger')
  if (level !== undefined && !isThreshold(level)) {
    throw new TracelaneError(
      'ERR_TRACELANE_ARGUMENT_INVALID',
      `setLevel needs one of ${Object.keys(SEVERITY).join(', ')}, or undefined`,
    )
  }
  const node = nodeOf(name)
  if (level === undefined && node === rootNode) {
    throw new TracelaneError('ERR_TRACELANE_ARGUMENT_INVALID', 'the root logger must have a level')
  }
  const pending = expiries.get(node)
  const before = pending === undefined ? node.own : pending.before
  forget(node)
  setNodeLevel(node, level)
  if (options.forMs !== undefined) expire(node, before, options.forMs)
}

/** The levels of all loggers that have been named so far, and of those above them, by name; the root first, as `ROOT`. */
export function getLevels(): Readonly<Record<string, LoggerLevel>> {
  return Object.fromEntries(allNodes().map((node) => [node.name, levelOf(node)]))
}

/** The level of the logger called `name`. */
export function getLevel(name: string): LoggerLevel {
  return levelOf(nodeOf(name))
}

/** Lets no level fall back any more. */
export function forgetExpiries(): void {
  for (const node of [...expiries.keys()]) forget(node)
}

function levelOf(node: LoggerNode): LoggerLevel {
  let at: LoggerNode | undefined = node
  while (at !== undefined && at.own === undefined) at = at.parent
  return {
    configuredLevel: node.own,
    effectiveLevel: at?.own ?? 'info',
    expiresAt: expiries.get(node)?.at,
  }
}

/* The timer keeps neither the process alive nor the flow in which somebody asked for the change. */
function expire(node: LoggerNode, before: Threshold | undefined, forMs: number): void {
  const fallBack = (): void => {
    expiries.delete(node)
    setNodeLevel(node, before)
  }
  const timer = runOutside(() => setTimeout(fallBack, forMs).unref())
  expiries.set(node, { before, at: Date.now() + forMs, timer })
}

function forget(node: LoggerNode): void {
  clearTimeout(expiries.get(node)?.timer)
  expiries.delete(node)
}
