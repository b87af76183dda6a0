import { expect } from 'chai'
import { type RoutingOptions, routing } from 'tracelane'
import type { AsyncSink, BatchResult } from '../../../lib/sinks'
import { messagesOf, Scene, sendTo, TestBatch } from './scene'

const traceOf = (n: number): string => n.toString(16).padStart(32, '1')

describe('routing()', () => {
  let scene: Scene

  beforeEach(() => {
    scene = new Scene()
  })

  const got = (name: string): unknown[] => messagesOf(scene.at(name).texts)

  function open(options: Omit<RoutingOptions, 'otherwise'> & Partial<RoutingOptions>): AsyncSink {
    return scene.open(routing({ otherwise: scene.spec('rest'), ...options }))
  }

  it('sends each event one way, the first that it fits', async () => {
    const sink = open({
      routes: [
        { when: { level: 'error' }, to: scene.spec('errors') },
        { when: [{ logger: 'audit' }, { fields: { user: 'ann' } }], to: scene.spec('audit') },
      ],
    })
    const events = [
      { msg: 0, level: 'error', logger: 'audit' },
      { msg: 1, level: 'info', logger: 'audit.login' },
      { msg: 2, level: 'warn', user: 'ann' },
      { msg: 3, level: 'info' },
    ] as const
    expect(await sendTo(sink, new TestBatch(events))).to.deep.equal({ outcome: 'delivered' })
    expect([got('errors'), got('audit'), got('rest')]).to.deep.equal([[0], [1, 2], [3]])
  })

  it('leaves out what fits nowhere, if it is told so', async () => {
    const sink = open({ routes: [{ when: { level: 'error' }, to: scene.spec('errors') }], otherwise: 'drop' })
    const answer = await sendTo(sink, new TestBatch([{ msg: 0 }, { msg: 1, level: 'error' }]))
    expect(answer).to.deep.include({ outcome: 'partial', rejected: [], retryable: [], filtered: [0] })
  })

  it('joins the answers, and names each part the same at each try', async () => {
    const sink = open({ routes: [{ when: { level: 'error' }, to: scene.spec('errors') }] })
    const down: BatchResult = { outcome: 'retryable', reason: 'down', retryAfterMs: 50 }
    scene.at('errors').answers.push(down, down)
    const batch = (): TestBatch => new TestBatch([{ msg: 0 }, { msg: 1, level: 'error' }, { msg: 2 }, { msg: 3, level: 'fatal' }])
    const first = await sendTo(sink, batch())
    expect(first).to.deep.equal({ outcome: 'partial', rejected: [], retryable: [1, 3], reason: 'down', retryAfterMs: 50 })
    await sendTo(sink, batch())
    const part = new TestBatch(
      [
        { msg: 1, level: 'error' },
        { msg: 3, level: 'fatal' },
      ],
      scene.at('errors').got[0]?.id,
      [1, 3],
    )
    expect(await sendTo(sink, part)).to.deep.equal({ outcome: 'delivered' })
    const others = [{ msg: 1, level: 'error' }, { msg: 2 }, { msg: 3, level: 'fatal' }] as const
    await sendTo(sink, new TestBatch(others, 'abc-1~0123', [1, 2, 3]))
    const ids = scene.at('errors').got.map(({ id }) => id)
    expect(ids).to.have.length(4)
    expect(new Set(ids).size).to.equal(1)
  })

  it('spreads traces over the sinks of a route, each trace to one of them', async () => {
    const to = ['one', 'two', 'three'].map((name) => scene.spec(name))
    const sink = open({ routes: [{ when: { trace: true }, to }] })
    const events = Array.from({ length: 60 }, (_, i) => ({ msg: i % 20, traceId: traceOf(i % 20) }))
    await sendTo(sink, new TestBatch(events))
    const ways = ['one', 'two', 'three'].map((name) => new Set(got(name)))
    expect(ways.every(({ size }) => size > 0)).to.equal(true)
    expect(ways.reduce((sum, { size }) => sum + size, 0)).to.equal(20)
  })

  it('sends what is in no trace to the first sink of a route', async () => {
    const to = ['one', 'two'].map((name) => scene.spec(name))
    await sendTo(open({ routes: [{ when: { level: 'info' }, to }] }), new TestBatch([{ msg: 1 }, { msg: 2 }]))
    expect([got('one'), got('two')]).to.deep.equal([[1, 2], []])
  })

  it('opens a sink with its first event, closes it when it was idle, and opens it again', async () => {
    const sink = open({ routes: [{ when: { level: 'error' }, to: scene.spec('errors') }], idleMs: 1000 })
    const error = (): Promise<BatchResult> => sendTo(sink, new TestBatch([{ msg: 1, level: 'error' }]))
    const state = (): number[] => [scene.at('errors').opened, scene.at('errors').closed]
    expect(state()).to.deep.equal([0, 0])
    await error()
    await scene.timing.pass(999)
    await error()
    await scene.timing.pass(999)
    expect(state()).to.deep.equal([1, 0])
    await scene.timing.pass(1)
    expect(state()).to.deep.equal([1, 1])
    await error()
    expect(state()).to.deep.equal([2, 1])
    await sink.close()
    expect(state()).to.deep.equal([2, 2])
    expect(scene.timing.due()).to.deep.equal([])
    expect(scene.at('rest').opened).to.equal(0)
  })

  it('does not close a sink that has something on its way', async () => {
    let answer: ((result: BatchResult) => void) | undefined
    const errors = scene.at('errors')
    errors.open = () => ({
      send: () => new Promise((resolve) => (answer = resolve)),
      close: async () => void errors.closed++,
    })
    const sink = open({ routes: [{ when: { level: 'error' }, to: scene.spec('errors') }], idleMs: 10 })
    const result = sendTo(sink, new TestBatch([{ msg: 1, level: 'error' }]))
    await scene.timing.pass(1000)
    expect(errors.closed).to.equal(0)
    answer?.({ outcome: 'delivered' })
    expect(await result).to.deep.equal({ outcome: 'delivered' })
    await scene.timing.pass(10)
    expect(errors.closed).to.equal(1)
  })
})
