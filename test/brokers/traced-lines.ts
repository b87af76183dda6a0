import { expect } from 'chai'
import type { ConsumedBatch, ConsumedEvent } from 'tracelane/consume'
import { INSTANCE, type Line } from '../support/kafka-batch'

/* So many that each of four partitions or queues has some. */
const TRACES = 40

/** The numbers from `from` up to, not including, `to`. */
export const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

/** The trace of a line. */
export const traceOf = (seq: number): string => (seq % TRACES).toString(16).padStart(32, 'a')

/** Lines of forty traces, one of each after the other. */
export function tracedLines(from: number, to: number): Line[] {
  return range(from, to).map((seq) => ({ text: `{"seq":${seq},"instance":"${INSTANCE}"}`, seq, traceId: traceOf(seq) }))
}

/** Each of the first `count` lines is there once, and those of each trace are in order. */
export function expectOrdered(events: readonly ConsumedEvent[], count: number): void {
  expect(events.map(({ seq }) => seq as number).sort((a, b) => a - b)).to.deep.equal(range(0, count))
  for (let n = 0; n < TRACES; n++) {
    const seqs = events.filter(({ traceId }) => traceId === traceOf(n)).map(({ seq }) => seq as number)
    expect(seqs).to.deep.equal(seqs.toSorted((a, b) => a - b))
  }
}

/** A handler that takes its time, and notices when it is called for a queue for which it works already. */
export class SlowHandler {
  readonly events: ConsumedEvent[] = []
  readonly clashes: string[] = []
  readonly #busy = new Set<string>()

  readonly handle = async ({ queue, events }: ConsumedBatch): Promise<void> => {
    if (this.#busy.has(queue)) this.clashes.push(queue)
    this.#busy.add(queue)
    await new Promise((resolve) => setTimeout(resolve, 2))
    this.events.push(...events)
    this.#busy.delete(queue)
  }
}
