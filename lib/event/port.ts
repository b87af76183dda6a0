import type { TraceRoot } from '../context'
import { complain } from '../diagnostics'
import { processWide } from '../internal/runtime'
import { reasonOf } from './json'
import type { LogEvent } from './log-event'
import type { TaskEnd } from './task-ledger'

/*
 * Middleware and interceptors know this port only; loggers and adapters subscribe to it.
 *
 *   middleware, interceptors, withSpan ── emit, traceEnded ──▶ port ──▶ our logger · logSpans(pino) · logSpans(winston)
 */

/** The local part of a trace is over: the request that it came with has been answered or broken off. */
export interface TraceEnd {
  readonly traceId: string
  /** It ended with an error status, an exception or a broken connection. */
  readonly failed: boolean
}

/** The logger name of the events at the end of spans. */
export const SPAN_LOGGER = 'tracelane.span'

/** What a subscriber of the port is told. */
export interface EventSubscriber {
  /** An event made by the kit itself. Runs on the thread and in the call of its cause, so it must be quick. */
  onEvent?(event: LogEvent): void
  /** `local` is the same object for all events of this local part of the trace. */
  onTraceEnded?(end: TraceEnd, local: object): void
  /** The work of this process on a task is over, and the event that says so has been emitted. */
  onTaskEnded?(end: TaskEnd): void
}

const subscribers = processWide('event.subscribers.1', () => new Set<EventSubscriber>())

/** Subscribes to the events that the kit itself makes; the returned function ends that. */
export function subscribeEvents(subscriber: EventSubscriber): () => void {
  subscribers.add(subscriber)
  return () => {
    subscribers.delete(subscriber)
  }
}

/** Whether anybody listens: an event that nobody hears need not be built. */
export function hasSubscribers(): boolean {
  return subscribers.size > 0
}

/** Gives `event` to every subscriber. Never throws. */
export function emit(event: LogEvent): void {
  tell((subscriber) => subscriber.onEvent?.(event))
}

/** Tells every subscriber that the part of a trace that `local` stands for ended here. Never throws. */
export function traceEnded(end: TraceEnd, local: TraceRoot): void {
  tell((subscriber) => subscriber.onTraceEnded?.(end, local))
}

/** Tells every subscriber that a task ended here. Never throws. */
export function taskEnded(end: TaskEnd): void {
  tell((subscriber) => subscriber.onTaskEnded?.(end))
}

function tell(what: (subscriber: EventSubscriber) => void): void {
  if (subscribers.size === 0) return
  for (const subscriber of subscribers) {
    try {
      what(subscriber)
    } catch (error) {
      complain('subscriber', `a subscriber of the event port threw: ${reasonOf(error)}`)
    }
  }
}
