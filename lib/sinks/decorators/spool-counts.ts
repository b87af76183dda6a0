import type { SpoolLedger } from '../../spool'
import type { SinkSpec } from '../sink'
import { innerSinks, isDecorated } from './structure'

/** Events of spools, as the account of a sink has them. */
export interface SpooledCounts {
  /** They lie there. */
  readonly spooled: number
  /** An earlier process left them there. */
  readonly recovered: number
  /** They were dropped to make room, or cannot be read any more. */
  readonly damaged: number
}

const WORDS = { spooled: 0, recovered: 1, damaged: 2 } as const

/** Memory in which the thread that spools tells the one that logs of its spool. */
export function newSpoolCounts(): SharedArrayBuffer {
  return new SharedArrayBuffer(Object.keys(WORDS).length * BigInt64Array.BYTES_PER_ELEMENT)
}

/** Tells what the `ledgers` of spools have together, to which some may come, beside what was told before by a thread that is gone. */
export function tellCounts(shared: SharedArrayBuffer, ledgers: readonly SpoolLedger[]): () => void {
  const words = new BigInt64Array(shared)
  const before = [...words]
  return () => {
    const sums = [0, 0, 0]
    for (const ledger of ledgers) for (const [i, events] of eventsOf(ledger).entries()) sums[i] = (sums[i] as number) + events
    for (const [i, events] of sums.entries()) Atomics.store(words, i, (before[i] as bigint) + BigInt(events))
  }
}

/* In the order of the words. */
function eventsOf(ledger: SpoolLedger): number[] {
  const { pending, recovered, dropped, torn, corrupt } = ledger.counts()
  return [pending.events, recovered.events, dropped.events + torn.events + corrupt.events]
}

/** What the spools below `spec` have. */
export function spooledBelow(spec: SinkSpec): SpooledCounts {
  const sum = { spooled: 0, recovered: 0, damaged: 0 }
  const add = (one: SinkSpec): void => {
    if (!isDecorated(one)) return
    innerSinks(one).forEach(add)
    if (one.kind !== 'spooling') return
    const words = new BigInt64Array(one.shared)
    sum.spooled += Number(Atomics.load(words, WORDS.spooled))
    sum.recovered += Number(Atomics.load(words, WORDS.recovered))
    sum.damaged += Number(Atomics.load(words, WORDS.damaged))
  }
  add(spec)
  return sum
}
