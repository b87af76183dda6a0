import { channel } from 'node:diagnostics_channel'
import { writeSync } from 'node:fs'
import { processWide } from './internal/runtime'

/** Every counter of the kit. All count from process start and never go down. */
export interface Counters {
  /** Requests and calls that came with a usable trace context. */
  contextsAccepted: number
  /** Requests and calls whose trace context broke a rule of W3C trace context; each got a new trace. */
  contextsRejected: number
  /** Remote clocks that were ignored because they were malformed or more than `maxClockDriftMs` ahead. */
  clocksRejected: number
  /** `mdc.put` and `mdc.delete` outside any trace, which do nothing. */
  mdcOutsideTrace: number
  /** Callbacks given by the application (`businessId`, `mdc` and the like) that threw; the request went on without them. */
  userCallbackErrors: number
  /** Requests and calls whose `tracelane-level` gave their trace another level. */
  levelsAccepted: number
  /** Requests and calls whose `tracelane-level` was ignored: forged, expired, for another trace, or unsigned and from nobody trusted. */
  levelsRejected: number
  /** Events that a filter denied. */
  eventsFiltered: number
  /** Events that the filters of an appender denied; one that several deny counts for each. */
  eventsDenied: number
  /** Events of traces that the sampling leaves out. */
  eventsSampled: number
  /** Events that were more than the budget of their logger. */
  eventsOverBudget: number
  /** Events of other loggers that were below the level of their name here, while there is a flight recorder, which could not keep them: it knows no trace of theirs. */
  eventsBelowLevel: number
  /** Events that were not written and that the flight recorder took: replayed, forgotten, evicted, or still kept. */
  eventsRecorded: number
  /** Events of the flight recorder that were written, because their trace failed. */
  eventsReplayed: number
  /** Events of the flight recorder that were dropped, because their trace ended well. */
  eventsForgotten: number
  /** Events of the flight recorder that were dropped at a bound on lines, memory or idle time. */
  eventsEvicted: number
  /** Events that no appender took: none is attached to their logger or above it, or each one's level is higher. */
  eventsUnrouted: number
  /** Events that reached an appender; one that several appenders take counts for each. */
  eventsEntered: number
  /** Events given up because a queue was full. */
  eventsDiscarded: number
  /** Events that came after the appender was closed. */
  eventsAfterClose: number
  /** Events that were still not written when the process ended or their appender was closed. */
  eventsUnwritten: number
  /** Batches handed to a flush thread. */
  batchesPosted: number
  /** Writes that failed and were tried again. */
  writesRetried: number
  /** Flush threads that died and were replaced. */
  flushThreadRestarts: number
  /** Values that could not be serialised and were replaced by a note about why. */
  valuesReplaced: number
  /** Events that a layout function of the application could not write; each was written as JSON, with the reason. */
  layoutsFailed: number
}

/** The counters of this process. The object is live: read it, do not keep a copy of its parts. */
export const counters: Counters = processWide('counters.1', () => ({
  contextsAccepted: 0,
  contextsRejected: 0,
  clocksRejected: 0,
  mdcOutsideTrace: 0,
  userCallbackErrors: 0,
  levelsAccepted: 0,
  levelsRejected: 0,
  eventsFiltered: 0,
  eventsDenied: 0,
  eventsSampled: 0,
  eventsOverBudget: 0,
  eventsBelowLevel: 0,
  eventsRecorded: 0,
  eventsReplayed: 0,
  eventsForgotten: 0,
  eventsEvicted: 0,
  eventsUnrouted: 0,
  eventsEntered: 0,
  eventsDiscarded: 0,
  eventsAfterClose: 0,
  eventsUnwritten: 0,
  batchesPosted: 0,
  writesRetried: 0,
  flushThreadRestarts: 0,
  valuesReplaced: 0,
  layoutsFailed: 0,
}))

/** A batch went from the calling thread to a flush thread: `{ sink, events, bytes }`. */
export const batchPosted = channel('tracelane.batch.posted')

/** A queue is full: a `QueueFull`, once for each spell. Runs inside the log call. */
export const queueFull = channel('tracelane.queue.full')

/** The accounts of an appender's sinks, at the end of each flush: a list of `SinkLedger`. */
export const ledgerTold = channel('tracelane.ledger')

/** A sink has no flush thread though one was wanted: `{ sink, reason }`. */
export const threadDenied = channel('tracelane.thread.denied')

/** An event is not written: `{ reason, event }`, where the reason is `filtered`, `sampled`, `budget` or `level`. Runs inside the log call. */
export const eventLeftOut = channel('tracelane.event.left-out')

/** Something inside the kit failed without reaching the application: `{ kind, message }`. */
export const internalFailure = channel('tracelane.failure')

const REPEAT_AFTER_MS = 10_000

interface Complaint {
  saidAt: number
  unsaid: number
}

const complaints = processWide('complaints.1', () => new Map<string, Complaint>())

/**
 * Reports an internal failure: always on the `tracelane.failure` channel, and on stderr at most once per `kind` in ten
 * seconds, with the number of times it was held back. What is said of one thing, named by `about`, holds back nothing that is said of another. Never throws.
 */
export function complain(kind: string, message: string, about = ''): void {
  internalFailure.publish({ kind, message })
  const now = Date.now()
  const topic = `${kind} ${about}`
  const known = complaints.get(topic)
  if (known !== undefined && now - known.saidAt < REPEAT_AFTER_MS) {
    known.unsaid++
    return
  }
  const more = known !== undefined && known.unsaid > 0 ? ` (and ${known.unsaid} more times)` : ''
  complaints.set(topic, { saidAt: now, unsaid: 0 })
  try {
    writeSync(2, `tracelane: ${message}${more}\n`)
  } catch {
    // stderr is closed or full: the counter and the channel are all that is left
  }
}
