import { expect } from 'chai'
import { circuitBreaking } from 'tracelane'
import type { AsyncSink, BatchResult } from '../../../lib/sinks'
import { messagesOf, Scene, sendTo, TestBatch } from './scene'

const DOWN: BatchResult = { outcome: 'retryable', reason: 'down' }
const DELIVERED: BatchResult = { outcome: 'delivered' }

describe('circuitBreaking()', () => {
  let scene: Scene
  let sink: AsyncSink
  let sent = 0

  beforeEach(() => {
    scene = new Scene()
    sink = scene.open(circuitBreaking(scene.spec('a'), { failures: 3, openMs: 1000 }))
    sent = 0
  })

  function send(): Promise<BatchResult> {
    sent++
    return sendTo(sink, new TestBatch([{ msg: sent }], `abc-${sent}`))
  }

  async function open(): Promise<void> {
    scene.at('a').answers.push(DOWN, DOWN, DOWN)
    for (let i = 0; i < 3; i++) expect(await send()).to.deep.equal(DOWN)
  }

  it('sends nothing after so many failures, and says when to come again', async () => {
    await open()
    await scene.timing.pass(400)
    const reason = 'the circuit is open, after: down'
    expect(await send()).to.deep.equal({ outcome: 'retryable', reason, retryAfterMs: 600 })
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 2, 3])
    expect(scene.troubles).to.deep.equal(['the circuit opens after 3 failures: down'])
  })

  it('counts failures in a row only; refused events, and some that were taken, are none', async () => {
    const partial = { outcome: 'partial', rejected: [], retryable: [0], reason: 'some' } as const
    for (const other of [DELIVERED, { outcome: 'rejected', reason: 'no' } as const, partial]) {
      scene.at('a').answers.push(DOWN, DOWN, other)
      for (let i = 0; i < 3; i++) await send()
    }
    expect(scene.at('a').texts).to.have.length(9)
  })

  it('lets one batch through as a probe, and closes if it is taken', async () => {
    await open()
    await scene.timing.pass(1000)
    const [probe, other] = await Promise.all([send(), send()])
    expect(probe).to.deep.equal(DELIVERED)
    expect(other).to.include({ outcome: 'retryable', retryAfterMs: 100 })
    expect(await send()).to.deep.equal(DELIVERED)
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 2, 3, 4, 6])
  })

  it('stays open as long again if the probe fails', async () => {
    await open()
    await scene.timing.pass(1000)
    scene.at('a').answers.push(DOWN)
    await send()
    await scene.timing.pass(999)
    expect(await send()).to.include({ outcome: 'retryable', retryAfterMs: 100 })
    expect(messagesOf(scene.at('a').texts)).to.deep.equal([1, 2, 3, 4])
    await scene.timing.pass(1)
    expect(await send()).to.deep.equal(DELIVERED)
  })

  it('stays open as long as the destination asks for', async () => {
    scene.at('a').answers.push(DOWN, DOWN, { ...DOWN, retryAfterMs: 5000 })
    for (let i = 0; i < 3; i++) await send()
    expect(await send()).to.include({ retryAfterMs: 5000 })
  })

  it('needs as many failures again after it was closed', async () => {
    await open()
    await scene.timing.pass(1000)
    await send()
    scene.at('a').answers.push(DOWN, DOWN)
    await send()
    await send()
    expect(await send()).to.deep.equal(DELIVERED)
  })

  it('learns nothing from answers to what was sent before it opened', async () => {
    const answers: ((result: BatchResult) => void)[] = []
    const a = scene.at('a')
    a.open = () => ({ send: () => new Promise((resolve) => answers.push(resolve)), close: async () => undefined })
    sink = scene.open(circuitBreaking(scene.spec('a'), { failures: 1, openMs: 1000 }))
    const results = [send(), send(), send()]
    answers[0]?.(DOWN)
    await results[0]
    await scene.timing.pass(900)
    answers[1]?.(DOWN)
    answers[2]?.(DELIVERED)
    await Promise.all(results)
    expect(await send()).to.include({ outcome: 'retryable', retryAfterMs: 100 })
    await scene.timing.pass(100)
    void send()
    expect(answers).to.have.length(4)
  })
})
