import { expect } from 'chai'
import { Fetcher } from '../../../lib/consume/kafka/fetcher'
import type { FetchedPartition, KafkaGroupClient, RecordsBatch } from '../../../lib/consume/kafka/group-client'
import type { KafkaConsumerSettings } from '../../../lib/consume/kafka/options'
import { Partition } from '../../../lib/consume/kafka/partition'
import { Lane } from '../../../lib/consume/lane'
import { consumeSettings } from '../../../lib/consume/options'
import { SeenEvents } from '../../../lib/consume/seen-events'
import { newTally } from '../../../lib/consume/tally'
import { until } from '../../support'

interface Asked {
  readonly node: number
  readonly topics: readonly { readonly partitions: readonly { readonly partition: number; readonly fetchOffset: bigint }[] }[]
}
type Answer = (asked: Asked) => FetchedPartition[]

const batchAt = (firstOffset: bigint, texts: readonly string[], attributes = 0): RecordsBatch => ({
  ...{ firstOffset, attributes, lastOffsetDelta: texts.length - 1 },
  records: texts.map((text, offsetDelta) => ({ offsetDelta, value: Buffer.from(`${text}\n`), headers: [] })),
})
const fetched = (partitionIndex: number, ...records: RecordsBatch[]): FetchedPartition => ({
  ...{ partitionIndex, errorCode: 0, records },
})
const failed = (partitions: FetchedPartition[]): Error =>
  Object.assign(new AggregateError([], 'Received response with error'), { response: { responses: [{ partitions }] } })

/* Brokers that answer as told; when there is no answer left they have nothing new. */
class ScriptedBrokers {
  readonly asked: Asked[] = []
  readonly leaders: number[]
  metadataRequests = 0
  /* Of the first partition: what is kept. */
  kept: readonly [oldest: bigint, end: bigint] = [0n, 100n]
  readonly #answers: (Answer | Error)[]

  constructor(leaders: number[], ...answers: (Answer | Error)[]) {
    this.leaders = leaders
    this.#answers = answers
  }

  async metadata() {
    this.metadataRequests++
    const partitions = this.leaders.map((leader) => ({ leader }))
    return { topics: new Map([['t', { id: 'topic-id', partitions }]]) }
  }

  async listOffsets({ timestamp }: { readonly timestamp: bigint }) {
    return new Map([['t', [this.kept[timestamp === -2n ? 0 : 1]]]])
  }

  async fetch(asked: Asked) {
    this.asked.push(asked)
    const answer = this.#answers.shift()
    if (answer instanceof Error) throw answer
    if (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    return { responses: [{ partitions: answer?.(asked) ?? [] }] }
  }
}

describe('Fetcher', () => {
  let lines: string[]
  let gaps: unknown[]
  let failure: unknown
  let fetcher: Fetcher

  beforeEach(() => {
    ;[lines, gaps, failure] = [[], [], undefined]
  })
  afterEach(() => fetcher.stop())

  function start(brokers: ScriptedBrokers, first = [0n], handle: (texts: string[]) => unknown = () => {}, batchEvents = 2): void {
    const settings = { topic: 't', maxFetchBytes: 1_000 } as KafkaConsumerSettings
    const partitions = first.map((next, number) => {
      const lane = new Lane<bigint>({
        ...{ queue: `t-${number}`, seen: new SeenEvents(), tally: newTally(), acknowledge: () => {} },
        settings: consumeSettings({
          batchEvents,
          handle: async ({ events }) => {
            const texts = events.map(({ line }) => `${number}:${line}`)
            await handle(texts)
            lines.push(...texts)
          },
        }),
        onRoom: () => fetcher.wake(),
      })
      return new Partition(number, lane, new SeenEvents(), next, next)
    })
    fetcher = new Fetcher(brokers as unknown as KafkaGroupClient, settings, partitions, {
      onGap: (...gap) => gaps.push(gap),
      onFailure: (error) => {
        failure = error
      },
    })
    fetcher.start()
  }
  const have = (count: number): Promise<unknown> => until(`${count} lines`, () => lines.length === count)
  const offsets = (asked: Asked | undefined): unknown[] =>
    asked?.topics[0]?.partitions.map(({ fetchOffset }) => fetchOffset) ?? []

  it('goes on after the last record of what came, and leaves out what is before its place', async () => {
    const brokers = new ScriptedBrokers(
      [1],
      () => [fetched(0, batchAt(8n, ['a', 'b', 'c']), batchAt(11n, ['d']))],
      () => [fetched(0, batchAt(8n, ['a', 'b', 'c']), batchAt(11n, ['d', 'e']))],
    )
    start(brokers, [9n])
    await have(4)
    expect(lines).to.deep.equal(['0:b', '0:c', '0:d', '0:e'])
    await until('three requests', () => brokers.asked.length > 2)
    expect(brokers.asked.slice(0, 3).map(offsets)).to.deep.equal([[9n], [12n], [13n]])
  })

  it('passes over what is no data', async () => {
    const brokers = new ScriptedBrokers([1], () => [fetched(0, batchAt(0n, ['commit'], 1 << 5), batchAt(1n, ['a']))])
    start(brokers)
    await have(1)
    expect(lines).to.deep.equal(['0:a'])
  })

  it('asks each leader for its partitions', async () => {
    const brokers = new ScriptedBrokers([1, 2])
    start(brokers, [0n, 0n])
    await until('both leaders', () => new Set(brokers.asked.map(({ node }) => node)).size === 2)
    for (const { node, topics } of brokers.asked) {
      expect(topics[0]?.partitions.map(({ partition }) => partition + 1)).to.deep.equal([node])
    }
  })

  it('looks who leads after a failure, and asks that one', async () => {
    const brokers = new ScriptedBrokers([1], failed([{ ...fetched(0), errorCode: 6 }]))
    start(brokers)
    // The fetcher has heard of the first leader already.
    brokers.leaders[0] = 3
    await until('the new leader', () => brokers.asked.some(({ node }) => node === 3))
    expect(brokers.asked.filter(({ node }) => node === 1)).to.have.length(1)
  })

  it('does not ask for a partition whose lane is full, and asks when it has room', async () => {
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const brokers = new ScriptedBrokers([1, 1], () => [fetched(0, batchAt(0n, ['a', 'b', 'c', 'd']))])
    start(brokers, [0n, 0n], (texts) => (texts[0]?.startsWith('0') ? held : undefined))
    await until('requests without it', () => brokers.asked.length > 3)
    const without = brokers.asked.slice(1).map(({ topics }) => topics[0]?.partitions.map(({ partition }) => partition))
    expect(new Set(without.flat())).to.deep.equal(new Set([1]))
    release()
    await until('a request with it', () => offsets(brokers.asked.at(-1)).length === 2)
    expect(lines).to.deep.equal(['0:a', '0:b', '0:c', '0:d'])
  })

  it('says how much was deleted before it came to it, and goes on behind that', async () => {
    const brokers = new ScriptedBrokers([1], failed([{ ...fetched(0), errorCode: 1 }]), () => [fetched(0, batchAt(50n, ['a']))])
    brokers.kept = [50n, 60n]
    start(brokers, [7n])
    await have(1)
    expect(gaps).to.deep.equal([[0, 7n, 50n]])
    expect(brokers.metadataRequests).to.equal(1)
  })

  it('begins again with the oldest record where the end is before its place, and takes all for new', async () => {
    const brokers = new ScriptedBrokers([1], failed([{ ...fetched(0), errorCode: 1 }]), () => [
      fetched(0, batchAt(3n, ['a', 'b'])),
    ])
    brokers.kept = [3n, 5n]
    start(brokers, [7n])
    await have(2)
    expect(gaps).to.deep.equal([[0, 7n, 3n]])
    expect(lines).to.deep.equal(['0:a', '0:b'])
  })

  it('looks who leads when its place is there, though a broker says that it is not', async () => {
    const brokers = new ScriptedBrokers([1], failed([{ ...fetched(0), errorCode: 1 }]), () => [fetched(0, batchAt(7n, ['a']))])
    start(brokers, [7n])
    await have(1)
    expect(gaps).to.deep.equal([])
    expect(brokers.metadataRequests).to.equal(2)
  })

  it('takes of an answer what is good in it', async () => {
    const answer = failed([{ ...fetched(0), errorCode: 6 }, fetched(1, batchAt(0n, ['a']))])
    start(new ScriptedBrokers([1, 1], answer), [0n, 0n])
    await have(1)
    expect(lines).to.deep.equal(['1:a'])
  })

  it('is over at once after a time-out, which leaves the connection in disorder', async () => {
    const error = new AggregateError([new Error('Request timed out')], 'fetch failed')
    start(new ScriptedBrokers([1], error))
    await until('the failure', () => failure !== undefined)
    expect(failure).to.equal(error)
  })
})
