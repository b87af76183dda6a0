import { expect } from 'chai'
import { currentTraceId, runWithTrace } from 'tracelane'
import type { ConsumedEvent } from '../../lib/consume/event'
import { Lane } from '../../lib/consume/lane'
import { type ConsumeOptions, consumeSettings } from '../../lib/consume/options'
import { SeenEvents } from '../../lib/consume/seen-events'
import { newTally, type Tally } from '../../lib/consume/tally'
import { until } from '../support'

const event = (seq: number, instance: string | undefined = 'a'): ConsumedEvent => ({
  ...{ line: `line ${seq}`, instance, seq, traceId: undefined },
})
const seqsOf = (events: readonly ConsumedEvent[]): (number | undefined)[] => events.map(({ seq }) => seq)

describe('Lane', () => {
  let lane: Lane<number>
  let tally: Tally
  let acknowledged: number[]
  let calls: (number | undefined)[][]
  let rooms: number

  function open(options: Partial<ConsumeOptions> = {}, seen = new SeenEvents()): Lane<number> {
    tally = newTally()
    ;[acknowledged, calls, rooms] = [[], [], 0]
    lane = new Lane<number>({
      ...{ queue: 'q-1', seen, tally },
      settings: consumeSettings({
        ...{ retryDelayMs: 1, maxAttempts: 3, batchEvents: 4, ...options },
        handle: (batch) => {
          calls.push(seqsOf(batch.events))
          return options.handle?.(batch)
        },
      }),
      acknowledge: (position) => acknowledged.push(position),
      onRoom: () => rooms++,
    })
    return lane
  }
  const push = (position: number, ...seqs: number[]): void => lane.push({ events: seqs.map((seq) => event(seq)), position })
  const settled = (position: number): Promise<unknown> => until(`position ${position}`, () => acknowledged.includes(position))

  it('hands on what is there as batches of whole items, in order, and acknowledges each after its call', async () => {
    const order: string[] = []
    open({ handle: ({ events, queue }) => void order.push(`${queue}: ${seqsOf(events)}, ${acknowledged}`) })
    push(1, 1, 2)
    push(2, 3, 4)
    push(3, 5)
    await settled(3)
    expect(order).to.deep.equal(['q-1: 1,2,3,4, ', 'q-1: 5, 2'])
    expect(acknowledged).to.deep.equal([2, 3])
    expect(tally).to.deep.equal({ handled: 5, duplicates: 0, quarantined: 0, failures: 0 })
    expect(rooms).to.equal(2)
  })

  it('waits for a call before it makes the next', async () => {
    const waiting: (() => void)[] = []
    open({ batchEvents: 1, handle: () => new Promise<void>((resolve) => waiting.push(resolve)) })
    push(1, 1)
    push(2, 2)
    await until('the first call', () => waiting.length === 1)
    expect(acknowledged).to.deep.equal([])
    waiting[0]?.()
    await until('the second call', () => waiting.length === 2)
    expect(acknowledged).to.deep.equal([1])
    waiting[1]?.()
    await settled(2)
  })

  it('hands on no event twice, and acknowledges what has nothing new in it', async () => {
    open()
    push(1, 1, 2, 2)
    await settled(1)
    push(2, 1, 3)
    push(3, 2)
    await settled(3)
    expect(calls).to.deep.equal([[1, 2], [3]])
    expect(tally).to.deep.include({ handled: 3, duplicates: 3 })
  })

  it('tries a batch again that failed, until it is taken', async () => {
    let failures = 2
    open({
      handle: () => {
        if (failures-- > 0) throw new Error('not now')
      },
    })
    push(1, 1, 2)
    await settled(1)
    expect(calls).to.deep.equal([
      [1, 2],
      [1, 2],
      [1, 2],
    ])
    expect(tally).to.deep.equal({ handled: 2, duplicates: 0, quarantined: 0, failures: 2 })
  })

  it('puts the one event aside that is not taken alone either, and goes on', async () => {
    const aside: unknown[] = []
    open({
      handle: async ({ events }) => {
        if (seqsOf(events).includes(2)) throw new Error('no 2')
      },
      onQuarantine: (one, queue, error) => void aside.push([one.seq, queue, (error as Error).message]),
    })
    push(1, 1, 2, 3)
    push(2, 4, 5, 6)
    await settled(2)
    expect(calls).to.deep.equal([[1, 2, 3], [1, 2, 3], [1, 2, 3], [1], [2], [3], [4, 5, 6]])
    expect(aside).to.deep.equal([[2, 'q-1', 'no 2']])
    expect(tally).to.deep.equal({ handled: 5, duplicates: 0, quarantined: 1, failures: 4 })
  })

  it('keeps an event until the quarantine has it', async () => {
    let failures = 2
    const order: string[] = []
    open({
      maxAttempts: 1,
      handle: () => {
        throw new Error('never')
      },
      onQuarantine: async () => {
        order.push(`quarantine, ${acknowledged}`)
        if (failures-- > 0) throw new Error('the disk is full')
      },
    })
    push(1, 1)
    await settled(1)
    expect(order).to.deep.equal(['quarantine, ', 'quarantine, ', 'quarantine, '])
    expect(tally).to.deep.include({ quarantined: 1, handled: 0 })
  })

  it('comes to rest when the call under way has ended, and acknowledges that one', async () => {
    const waiting: (() => void)[] = []
    open({ batchEvents: 1, handle: () => new Promise<void>((resolve) => waiting.push(resolve)) })
    push(1, 1)
    push(2, 2)
    await until('the call', () => waiting.length === 1)
    let resting = false
    const stopped = lane.stop().then(() => {
      resting = true
    })
    await new Promise((resolve) => setImmediate(resolve))
    expect(resting).to.equal(false)
    waiting[0]?.()
    await stopped
    push(3, 3)
    expect(acknowledged).to.deep.equal([1])
    expect(calls).to.deep.equal([[1]])
  })

  it('acknowledges nothing of what it was stopped in the middle of, and takes it for new when it comes again', async () => {
    const seen = new SeenEvents()
    const failing = {
      retryDelayMs: 60_000,
      handle: () => {
        throw new Error('not now')
      },
    }
    open(failing, seen)
    push(1, 1)
    await until('the failure', () => tally.failures === 1)
    await lane.stop()
    expect(acknowledged).to.deep.equal([])
    open({}, seen)
    push(1, 1)
    await settled(1)
    expect(calls).to.deep.equal([[1]])
  })

  it('is hungry until it has two batches waiting', async () => {
    const waiting: (() => void)[] = []
    open({ batchEvents: 2, handle: () => new Promise<void>((resolve) => waiting.push(resolve)) })
    push(1, 1, 2)
    expect(lane.isHungry).to.equal(true)
    push(2, 3, 4)
    expect(lane.isHungry).to.equal(false)
    await until('the first call', () => waiting.length === 1)
    waiting[0]?.()
    await settled(1)
    expect(lane.isHungry).to.equal(true)
    await until('the second call', () => waiting.length === 2)
    waiting[1]?.()
    await settled(2)
  })

  it('runs the handler outside of any trace', async () => {
    const seen: (string | undefined)[] = []
    open({ handle: () => void seen.push(currentTraceId()) })
    runWithTrace(() => push(1, 1))
    await settled(1)
    expect(seen).to.deep.equal([undefined])
  })
})
