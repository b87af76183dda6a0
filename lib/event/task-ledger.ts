import { counters } from '../diagnostics'
import { processWide } from '../internal/runtime'
import { instance } from './identity'
import type { LogEvent } from './log-event'

/** What this process logged for a task, told when its work on it is over; an archive of the task closes when all are in. */
export interface TaskEnd {
  readonly task: string
  /** Names this start of this process: 16 lower hex digits. */
  readonly instance: string
  /** `seq` of the first event of the task; undefined if there was none, or another logger than ours writes the lines. */
  readonly firstSeq: number | undefined
  readonly lastSeq: number | undefined
  /** Events of the task that were given to our logger's sinks, those discarded included. */
  readonly count: number
  /** How many of them at least one sink discarded because its queue was full. */
  readonly discarded: number
}

interface Ledger {
  /** How many `withTask` of this task are open in this process. */
  open: number
  firstSeq: number | undefined
  lastSeq: number | undefined
  count: number
  discarded: number
}

const ledgers = processWide('event.tasks.1', () => new Map<string, Ledger>())

/** Begins to count the events of `task`, or goes on with that. */
export function openTask(task: string): void {
  const known = ledgers.get(task)
  if (known !== undefined) known.open++
  else ledgers.set(task, { open: 1, firstSeq: undefined, lastSeq: undefined, count: 0, discarded: 0 })
}

/** Ends one `openTask`; gives the account when it was the last one. */
export function closeTask(task: string): TaskEnd | undefined {
  const ledger = ledgers.get(task)
  if (ledger === undefined || --ledger.open > 0) return undefined
  ledgers.delete(task)
  const { firstSeq, lastSeq, count, discarded } = ledger
  return Object.freeze({ task, instance: instance(), firstSeq, lastSeq, count, discarded })
}

/** Whether the events of any task are counted: asked for each event, so that the others cost nothing more. */
export function hasOpenTasks(): boolean {
  return ledgers.size > 0
}

/** Gives `event` to its sinks by `append`, and enters it into the account of its task if that is open here. */
export function enterTask(event: LogEvent, seq: number, append: () => void): void {
  const ledger = ledgerOf(event)
  if (ledger === undefined) {
    append()
    return
  }
  const before = lost()
  append()
  ledger.firstSeq ??= seq
  ledger.lastSeq = seq
  ledger.count++
  if (lost() > before) ledger.discarded++
}

/* A field of the call takes the place of the task on the line. */
function ledgerOf({ mdc, fields }: LogEvent): Ledger | undefined {
  const { task } = mdc
  return typeof task !== 'string' || (fields !== undefined && Object.hasOwn(fields, 'task')) ? undefined : ledgers.get(task)
}

/* Appending is synchronous, so whatever was lost meanwhile is this event. */
function lost(): number {
  return counters.eventsDiscarded + counters.eventsAfterClose
}
