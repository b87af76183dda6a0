import { expect } from 'chai'
import type { LogEvent } from '../../../lib/event'
import type { BatchResult, SendingOptions } from '../../../lib/sinks'
import { until } from '../../support'
import { SeededRandom } from '../../support/random'
import { SenderWorld, type Sent } from './rings'
import { StillClock } from './still-clock'

const DELIVERED: BatchResult = { outcome: 'delivered' }

const letters = (text: string, traceId?: string): Partial<LogEvent>[] =>
  [...text].map((msg) => ({ msg, ...(traceId === undefined ? {} : { traceId, spanId: 'a'.repeat(16) }) }))

/* A trace that goes the n-th way. */
const trace = (n: number): string => n.toString(16).padStart(32, 'a0')

describe('how a FrameSender makes batches', () => {
  let world: SenderWorld
  let clock: StillClock
  /* Batches that were sent and have no answer. */
  let open: { readonly sent: Sent; readonly answer: (result: BatchResult) => void }[]

  beforeEach(() => {
    clock = new StillClock()
    open = []
  })

  afterEach(() => world.stop())

  function start(sending: SendingOptions, answer?: (sent: Sent) => BatchResult, prepares = false): void {
    world = new SenderWorld(
      (sent) => answer?.(sent) ?? new Promise((resolve) => void open.push({ sent, answer: resolve })),
      sending,
      clock,
      prepares,
    )
  }

  const batches = (): string[] => world.sent.map(({ messages }) => messages.join(''))
  const settled = (): number => world.counted('delivered') + world.counted('rejected') + world.counted('quarantined')
  const sends = (count: number): Promise<unknown> => until(`${count} batches`, () => world.sent.length >= count)
  const settles = (events: number): Promise<unknown> => until(`${events} events`, () => settled() >= events)
  /* Whatever can happen without time has happened. */
  const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  function answer(messages: string, result: BatchResult = DELIVERED): void {
    const found = open.findIndex(({ sent }) => sent.messages.join('') === messages)
    open.splice(found, 1)[0]?.answer(result)
  }

  describe('with maxBatchEvents and maxBatchBytes', () => {
    it('no batch has more events', async () => {
      start({ maxBatchEvents: 3 }, () => DELIVERED)
      world.write(letters('abcdefg'))
      world.write(letters('hi'))
      await settles(9)
      expect(batches()).to.deep.equal(['abc', 'def', 'ghi'])
    })

    it('no batch has more bytes, but a line that is larger alone', async () => {
      start({ maxBatchBytes: 1024 }, () => DELIVERED)
      world.write([{ msg: 'a' }, { msg: 'b' }, { msg: 'l'.repeat(2000) }, { msg: 'c' }, { msg: 'd'.repeat(900) }])
      await settles(5)
      expect(batches()).to.deep.equal(['ab', 'l'.repeat(2000), 'c', 'd'.repeat(900)])
    })

    it('what comes while one is on its way becomes one batch, with rows of its own and one name', async () => {
      start({})
      world.write(letters('a'))
      await sends(1)
      world.write(letters('bc', trace(1)))
      world.write(letters('d', trace(2)))
      await quiet()
      expect(batches()).to.deep.equal(['a'])
      answer('a')
      await sends(2)
      expect(batches()).to.deep.equal(['a', 'bcd'])
      expect(world.sent[1]?.rows.map(({ traceId }) => traceId)).to.deep.equal([trace(1), trace(1), trace(2)])
      expect(new Set(world.sent.map(({ id }) => id)).size).to.equal(2)
      answer('bcd')
      await settles(4)
    })
  })

  describe('for a sink that prepares batches', () => {
    it('the next one is made while one is on its way, once it is full, and is sent as it is', async () => {
      start({ maxBatchEvents: 3 }, undefined, true)
      world.write(letters('abc'))
      await sends(1)
      world.write(letters('de'))
      await quiet()
      expect(world.prepared).to.deep.equal([])
      world.write(letters('fg', trace(1)))
      await until('a batch was made', () => world.prepared.length === 1)
      expect(world.prepared).to.deep.equal(['de'])
      expect(batches()).to.deep.equal(['abc'])
      answer('abc')
      await sends(2)
      answer('de')
      await sends(3)
      answer('fg')
      await settles(7)
      expect(batches()).to.deep.equal(['abc', 'de', 'fg'])
      expect(world.wasPrepared).to.deep.equal([false, true, false])
    })

    it('one that is made is still the next one after another was tried again', async () => {
      start({ maxBatchEvents: 2 }, undefined, true)
      world.write(letters('ab'))
      await sends(1)
      world.write(letters('cdef'))
      await until('a batch was made', () => world.prepared.length === 1)
      answer('ab', { outcome: 'retryable', reason: 'busy' })
      await until('the pause', () => clock.timers > 0)
      clock.pass(20)
      await sends(2)
      for (const next of ['ab', 'cd', 'ef']) {
        await until(`'${next}' is sent`, () => open.some(({ sent }) => sent.messages.join('') === next))
        answer(next)
      }
      await settles(6)
      expect(world.messages.join('')).to.equal('ababcdef')
    })

    it('reads no more than one batch ahead', async () => {
      start({ maxBatchBytes: 1024 }, undefined, true)
      world.write([{ msg: 'a'.repeat(900) }])
      await sends(1)
      for (const letter of 'bcdefgh') world.write([{ msg: letter.repeat(900) }])
      await until('a batch was made', () => world.prepared.length === 1)
      await quiet()
      expect(world.prepared).to.deep.equal(['b'.repeat(900)])
      expect(world.pending).to.equal(8)
      for (const letter of 'abcdefgh') {
        await until(letter, () => open.length === 1)
        answer(letter.repeat(900))
      }
      await settles(8)
    })
  })

  describe('with lingerMs', () => {
    beforeEach(() => start({ lingerMs: 500, maxBatchEvents: 4 }, () => DELIVERED))

    it('a batch waits so long for more', async () => {
      world.write(letters('a'))
      await quiet()
      clock.pass(499)
      world.write(letters('b'))
      await quiet()
      expect(world.sent).to.have.length(0)
      clock.pass(1)
      await settles(2)
      expect(batches()).to.deep.equal(['ab'])
      expect(clock.timers).to.equal(0)
    })

    it('a full one does not wait', async () => {
      world.write(letters('abcde'))
      await sends(1)
      await quiet()
      expect(batches()).to.deep.equal(['abcd'])
      clock.pass(500)
      await settles(5)
    })

    it('what was logged before the end of a task does not wait', async () => {
      world.write(letters('ab'))
      await quiet()
      world.endTask()
      await settles(2)
      world.write(letters('c'))
      await quiet()
      expect(batches()).to.deep.equal(['ab'])
      clock.pass(500)
      await settles(3)
    })

    it('what was logged before a flush does not wait', async () => {
      world.write(letters('ab'))
      await quiet()
      world.sender.hurry()
      await settles(2)
    })
  })

  describe('with maxInFlight', () => {
    it('sends lines of several traces at once, and those of one trace in order', async () => {
      start({ maxInFlight: 4 })
      world.write([...letters('a', trace(1)), ...letters('b', trace(2)), ...letters('c', trace(1)), ...letters('d')])
      await sends(3)
      world.write([...letters('e', trace(1)), ...letters('f', trace(3))])
      await sends(4)
      expect(batches().sort()).to.deep.equal(['ac', 'b', 'd', 'f'])
      answer('ac', { outcome: 'retryable', reason: 'busy' })
      await quiet()
      clock.pass(20)
      await sends(5)
      expect(batches()[4]).to.equal('ac')
      answer('ac')
      await sends(6)
      expect(batches()[5]).to.equal('e')
      for (const one of 'bdef') answer(one)
      await settles(6)
    })

    it('leaves a frame behind only when it is settled, and those before it', async () => {
      start({ maxInFlight: 2 })
      world.write(letters('a', trace(0)))
      world.write(letters('b', trace(1)))
      await sends(2)
      answer('b')
      await quiet()
      expect(settled()).to.equal(0)
      expect(world.pending).to.equal(2)
      answer('a')
      await settles(2)
      expect(world.pending).to.equal(0)
    })
  })

  describe('with mode one-way', () => {
    it('sends once and does not wait for the receipt, which counts', async () => {
      start({ mode: 'one-way', maxInFlight: 3, maxBatchEvents: 1 })
      world.write(letters('abc', trace(1)))
      await sends(3)
      answer('b', { outcome: 'retryable', reason: 'busy' })
      answer('a')
      answer('c', { outcome: 'partial', rejected: [], retryable: [0], reason: 'no' })
      await settles(3)
      expect([world.counted('delivered'), world.counted('rejected'), world.counted('retried')]).to.deep.equal([1, 2, 0])
      expect(world.failures.map(({ failure }) => failure)).to.deep.equal(['busy', 'no'])
    })

    it('waits acquireTimeoutMs for one of maxInFlight permits, and then refuses, with the numbers', async () => {
      start({ mode: 'one-way', maxInFlight: 2, maxBatchEvents: 1, acquireTimeoutMs: 50 })
      world.write(letters('abcd'))
      await sends(2)
      await quiet()
      expect(batches()).to.deep.equal(['a', 'b'])
      clock.pass(50)
      await until('a refusal', () => world.failures.length > 0)
      answer('a')
      await sends(3)
      expect(batches()).to.deep.equal(['a', 'b', 'd'])
      for (const one of 'bd') answer(one)
      await settles(4)
      expect([world.counted('delivered'), world.counted('rejected')]).to.deep.equal([3, 1])
      expect(world.failures).to.deep.equal([
        { failure: 'no permit to send within 50 ms: 1 waiting, 2 in flight', retried: false },
      ])
    })
  })

  it('has as many full batches of one-way on their way as there are permits, and refuses what waits behind them', async () => {
    start({ mode: 'one-way', maxInFlight: 6, maxBatchBytes: 1024, acquireTimeoutMs: 40 })
    for (const letter of 'abcdefg') world.write([{ msg: letter.repeat(700) }])
    await sends(6)
    await until('the seventh', () => clock.timers > 0)
    clock.pass(40)
    await until('a refusal', () => world.failures.length > 0)
    expect(batches().map(([letter]) => letter)).to.deep.equal([...'abcdef'])
    expect(world.failures).to.deep.equal([{ failure: 'no permit to send within 40 ms: 1 waiting, 6 in flight', retried: false }])
  })

  it('gives up what is on its way when it is stopped, and that is still in the ring', async () => {
    start({ maxInFlight: 2 })
    world.write(letters('a', trace(0)))
    world.write(letters('b', trace(1)))
    await sends(2)
    await world.stop()
    expect(world.closed).to.equal(1)
    for (const one of 'ab') answer(one, { outcome: 'retryable', reason: 'closed' })
    await quiet()
    expect(settled()).to.equal(0)
    expect(world.pending).to.equal(2)
    expect(clock.timers).to.equal(0)
  })

  it('leaves frames alone that somebody else has taken meanwhile, and goes on behind them', async () => {
    start({ maxBatchEvents: 1 })
    world.write(letters('ab'))
    await sends(1)
    world.takeAll()
    answer('a')
    await quiet()
    expect(settled()).to.equal(0)
    world.write(letters('c'))
    await sends(2)
    expect(batches()).to.deep.equal(['a', 'c'])
    answer('c')
    await settles(1)
    expect([world.counted('spooled'), world.counted('delivered'), world.pending]).to.deep.equal([2, 1, 0])
  })

  for (const maxInFlight of [1, 3]) {
    it(`delivers each event once and in the order of its trace, whatever is answered, with maxInFlight ${maxInFlight}`, async () => {
      for (const seed of [1, 2, 3]) {
        const random = new SeededRandom(seed)
        const delivered: string[] = []
        const poison: string[] = []
        world = new SenderWorld(
          async (sent) => {
            await quiet()
            const result = random.pick(ANSWERS)(sent, random)
            noteOutcome(sent, result, delivered, poison)
            return result
          },
          { maxInFlight, maxBatchEvents: 7 },
        )
        const written: Partial<LogEvent>[] = Array.from({ length: 120 }, (_, i) => letter(i, random))
        for (let i = 0; i < written.length; i += 10) world.write(written.slice(i, i + 10))
        while (settled() < written.length) {
          world.sender.hurry()
          await quiet()
        }
        expect(delivered.length + poison.length).to.equal(written.length)
        expect([world.counted('delivered'), world.counted('quarantined')]).to.deep.equal([delivered.length, poison.length])
        for (const traceId of new Set(written.map((event) => event.traceId))) {
          const ofTrace = (all: readonly (string | undefined)[]): unknown[] =>
            all.filter((msg) => written.some((event) => event.msg === msg && event.traceId === traceId))
          const expected = written.map(({ msg }) => msg).filter((msg) => msg !== undefined && !poison.includes(msg))
          expect(ofTrace(delivered), `${seed} ${traceId}`).to.deep.equal(ofTrace(expected))
        }
        await world.stop()
      }
    })
  }
})

function letter(i: number, random: SeededRandom): Partial<LogEvent> {
  const way = random.int(5)
  return { msg: `${i}`, ...(way === 4 ? {} : { traceId: trace(way), spanId: 'b'.repeat(16) }) }
}

const isPoison = (msg: string): boolean => Number(msg) % 17 === 5

/* A poisonous event is named, or its batch refused; all else may be delivered, or not now. */
const ANSWERS: readonly ((sent: Sent, random: SeededRandom) => BatchResult)[] = [
  ({ messages }) => (messages.some(isPoison) ? { outcome: 'rejected', reason: 'poison', divisible: true } : DELIVERED),
  () => ({ outcome: 'retryable', reason: 'busy' }),
  ({ messages }, random) => {
    const rejected = [...messages.keys()].filter((i) => isPoison(messages[i] as string))
    // A destination that takes a part in order: nothing overtakes what it does not take.
    const from = random.int(messages.length + 1)
    const retryable = [...messages.keys()].filter((i) => i >= from && !rejected.includes(i))
    return { outcome: 'partial', rejected, retryable, reason: 'some' }
  },
]

function noteOutcome({ messages }: Sent, result: BatchResult, delivered: string[], poison: string[]): void {
  if (result.outcome === 'delivered') delivered.push(...messages)
  if (result.outcome === 'rejected' && messages.length === 1) poison.push(...messages)
  if (result.outcome !== 'partial') return
  messages.forEach((msg, i) => {
    if (result.rejected.includes(i)) poison.push(msg)
    else if (!result.retryable.includes(i)) delivered.push(msg)
  })
}
