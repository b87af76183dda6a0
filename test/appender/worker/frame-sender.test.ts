import { expect } from 'chai'
import type { LogEvent } from '../../../lib/event'
import type { BatchResult, SendingOptions } from '../../../lib/sinks'
import { until } from '../../support'
import { SenderWorld } from './rings'

const DELIVERED: BatchResult = { outcome: 'delivered' }
const T1 = { traceId: '1'.repeat(32), spanId: '1'.repeat(16) }
const T2 = { traceId: '2'.repeat(32), spanId: '2'.repeat(16) }

const letters = (text: string): Partial<LogEvent>[] => [...text].map((msg) => ({ msg }))

describe('FrameSender', () => {
  let world: SenderWorld

  function start(answer: (messages: string, n: number) => BatchResult, sending: SendingOptions = {}): void {
    let n = 0
    world = new SenderWorld(({ messages }) => answer(messages.join(''), n++), sending)
  }

  async function settled(events: number): Promise<void> {
    await until(
      'the events are settled',
      () => world.counted('delivered') + world.counted('rejected') + world.counted('quarantined') === events,
    )
  }

  afterEach(() => world.stop())

  describe('the rows of a batch', () => {
    beforeEach(() => start(() => DELIVERED))

    it('say of captured events where each line is, its severity, its number and its trace', async () => {
      world.write([
        { msg: 'a', level: 'warn', ...T1 },
        { msg: 'b', fields: { text: 'two\nlines', n: 1, nested: { traceId: T2.traceId } } },
        { msg: 'a', level: 'warn', ...T2, fields: { ä: 'ö' } },
        { msg: 'e', level: 'error', ...T1, err: new Error('so what') },
        { msg: 'p', level: 'debug', line: '{"level":20,"msg":"p"}', ...T2 },
        { msg: 'f', level: 'fatal' },
      ])
      await settled(6)
      const [{ lines, rows, messages, ...batch }] = world.sent as [SenderWorld['sent'][0]]
      expect(batch).to.deep.equal({ id: '00c0ffee00c0ffee-103-6', instance: '00c0ffee00c0ffee', events: 6 })
      expect(messages.join('')).to.equal('abaepf')
      expect(rows).to.deep.equal([
        { severity: 13, seq: 103, traceId: T1.traceId },
        { severity: 9, seq: 106, traceId: undefined },
        { severity: 13, seq: 109, traceId: T2.traceId },
        { severity: 17, seq: 112, traceId: T1.traceId },
        { severity: 5, seq: 115, traceId: T2.traceId },
        { severity: 21, seq: 118, traceId: undefined },
      ])
      expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).to.deep.equal([103, 106, 109, 112, 115, 118])
    })

    it('say so of finished lines, which may have line breaks and letters of any size', async () => {
      const events = ['a', 'ä', '\u{1f600}', '\ud800', '中'].map((msg, i) => ({ msg, ...(i % 2 === 0 ? T1 : T2) }))
      world.write(events, { pattern: '%msg%n-%n' })
      await settled(5)
      const [{ lines, rows }] = world.sent as [SenderWorld['sent'][0]]
      expect(lines).to.deep.equal(['a', 'ä', '\u{1f600}', '\ufffd', '中'].map((msg) => `${msg}\n-\n`))
      expect(rows.map(({ seq }) => seq)).to.deep.equal([103, 106, 109, 112, 115])
      expect(rows.map(({ traceId }) => traceId)).to.deep.equal([T1, T2, T1, T2, T1].map(({ traceId }) => traceId))
    })

    it('say so of a line that is too large for the ring', async () => {
      world.writeOutside('error', T1.traceId, '{"msg":"large"}\n')
      await settled(1)
      const [{ lines, rows }] = world.sent as [SenderWorld['sent'][0]]
      expect(lines).to.deep.equal(['{"msg":"large"}\n'])
      expect(rows).to.deep.equal([{ severity: 17, seq: 103, traceId: T1.traceId }])
    })
  })

  it('gives signs of life while an answer takes its time', async () => {
    world = new SenderWorld(() => new Promise<never>(() => undefined))
    world.write(letters('a'))
    await until('the event is on its way', () => world.sent.length === 1)
    const { beats } = world
    await until('a sign of life', () => world.beats > beats)
  })

  describe('a destination that takes a part of a batch', () => {
    it('gets those that may be taken later again, alone, in order, before anything newer', async () => {
      const part: BatchResult = { outcome: 'partial', rejected: [1], retryable: [3, 2], reason: 'busy' }
      start((_, n) => (n === 0 ? part : DELIVERED), { maxBatchEvents: 4 })
      world.write(letters('abcd'))
      world.write(letters('ef'))
      await settled(6)
      expect(world.messages.join('')).to.equal('abcdcdef')
      expect(world.sent[1]?.rows.map(({ seq }) => seq)).to.deep.equal([109, 112])
      expect([world.counted('delivered'), world.counted('quarantined'), world.counted('rejected')]).to.deep.equal([5, 1, 0])
      expect(world.failures).to.deep.equal([
        { failure: 'busy', retried: false },
        { failure: 'busy', retried: true },
      ])
    })

    it('knows a part by one name at each try, which is no other batch’s', async () => {
      const busy: BatchResult = { outcome: 'retryable', reason: 'busy' }
      const answers: BatchResult[] = [
        { outcome: 'partial', rejected: [], retryable: [0, 1], reason: 'busy' },
        busy,
        { outcome: 'partial', rejected: [], retryable: [0], reason: 'busy' },
        busy,
      ]
      start((_, n) => answers[n] ?? DELIVERED)
      world.write(letters('abc'))
      await settled(3)
      expect(world.sent.map(({ messages }) => messages.join(''))).to.deep.equal(['abc', 'ab', 'ab', 'a', 'a'])
      const [whole, two, twoAgain, one, oneAgain] = world.sent.map(({ id }) => id)
      expect([twoAgain, oneAgain]).to.deep.equal([two, one])
      expect(new Set([whole, two, one]).size).to.equal(3)
    })
  })

  it('tries again when the sink throws, which it must not', async () => {
    start((_, n) => {
      if (n === 0) throw new Error('a bug')
      return DELIVERED
    })
    world.write(letters('ab'))
    await settled(2)
    expect(world.failures).to.deep.equal([{ failure: 'the sink threw: a bug', retried: true }])
  })

  describe('a destination that refuses a batch', () => {
    const refusing =
      (poison: RegExp) =>
      (messages: string): BatchResult =>
        poison.test(messages) ? { outcome: 'rejected', reason: `no ${poison.source}`, divisible: true } : DELIVERED

    it('because of one event in it gets all others, in order, and that one is quarantined', async () => {
      start(refusing(/g/))
      world.write(letters('abcdefghij'))
      world.write(letters('kl'))
      await settled(12)
      expect([world.counted('delivered'), world.counted('quarantined'), world.counted('rejected')]).to.deep.equal([11, 1, 0])
      const delivered = world.sent.filter(({ messages }) => !messages.includes('g')).flatMap(({ messages }) => messages)
      expect(delivered.join('')).to.equal('abcdefhijkl')
      expect(world.failures).to.deep.equal([{ failure: 'no g', retried: false }])
      expect(world.counted('bytes')).to.be.greaterThan(0)
    })

    it('whatever is in it is not asked about each single event', async () => {
      start(refusing(/./))
      world.write(letters('x'.repeat(1000)))
      await settled(1000)
      expect(world.counted('quarantined')).to.be.within(16, 30)
      expect(world.sent.length).to.be.lessThan(60)
    })

    it('for another reason than what is in it is not asked about parts of it', async () => {
      start(() => ({ outcome: 'rejected', reason: 'wrong password' }))
      world.write(letters('abc'))
      await settled(3)
      expect(world.counted('rejected')).to.equal(3)
      expect(world.sent).to.have.length(1)
    })
  })
})
