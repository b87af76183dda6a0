import { expect } from 'chai'
import { type EventCondition, type FilteringOptions, filtering } from 'tracelane'
import type { BatchResult } from '../../../lib/sinks'
import { messagesOf, type Said, Scene, sendTo, TestBatch } from './scene'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const EVENTS: readonly Said[] = [
  { msg: 0, level: 'debug', logger: 'orders' },
  { msg: 1, level: 'info', logger: 'orders.checkout', traceId: TRACE, user: 'ann' },
  { msg: 2, level: 'warn', logger: 'ordersx', task: 't1', http: { status: 503 } },
  { msg: 3, level: 'error', name: 'orders', 'http.status': 503, traceId: TRACE },
]

describe('filtering()', () => {
  let scene: Scene

  beforeEach(() => {
    scene = new Scene()
  })

  function send(options: FilteringOptions): Promise<BatchResult> {
    return sendTo(scene.open(filtering(scene.spec('a'), options)), new TestBatch(EVENTS))
  }

  const cases: Readonly<Record<string, readonly [EventCondition, readonly number[]]>> = {
    'a level and those above': [{ level: 'warn' }, [2, 3]],
    'some levels': [{ levels: ['debug', 'error'] }, [0, 3]],
    'being in a trace': [{ trace: true }, [1, 3]],
    'being in no trace': [{ trace: false }, [0, 2]],
    'a logger and those below it': [{ logger: 'orders' }, [0, 1, 3]],
    'several loggers': [{ logger: ['orders.checkout', 'ordersx'] }, [1, 2]],
    'a field': [{ fields: { user: 'ann' } }, [1]],
    'one of several values': [{ fields: { task: ['t0', 't1'] } }, [2]],
    'a value inside, or a name with a dot': [{ fields: { 'http.status': 503 } }, [2, 3]],
    'all that is named': [{ logger: 'orders', trace: true, level: 'warn' }, [3]],
  }
  for (const [what, [condition, kept]] of Object.entries(cases)) {
    it(`keeps events by ${what}, and drops the others`, async () => {
      const filtered = [0, 1, 2, 3].filter((i) => !kept.includes(i))
      expect(await send({ keep: condition })).to.deep.include({ outcome: 'partial', rejected: [], retryable: [], filtered })
      expect(messagesOf(scene.at('a').texts)).to.deep.equal(kept)
      const others = new Scene()
      const sink = others.open(filtering(others.spec('a'), { drop: condition }))
      expect(await sendTo(sink, new TestBatch(EVENTS))).to.deep.include({ filtered: kept })
      expect(messagesOf(others.at('a').texts)).to.deep.equal(filtered)
    })
  }

  it('sends nothing if nothing is kept, and everything under its own name if everything is', async () => {
    expect(await send({ drop: { level: 'trace' } })).to.deep.include({ filtered: [0, 1, 2, 3], retryable: [] })
    expect(scene.at('a').got).to.deep.equal([])
    expect(await send({ keep: { level: 'trace' } })).to.deep.equal({ outcome: 'delivered' })
    expect(scene.at('a').got.map(({ id }) => id)).to.deep.equal(['abc-1'])
  })

  it('tells of what could not be sent, and of what it left out, by their places in the batch', async () => {
    scene.at('a').otherwise = { outcome: 'partial', rejected: [0], retryable: [1], reason: 'some' }
    const expected = { outcome: 'partial', rejected: [1], retryable: [2], filtered: [0], reason: 'some' }
    expect(await send({ drop: { level: 'debug' } })).to.not.include({ outcome: 'delivered' })
    expect(await send({ drop: { levels: ['debug'] } })).to.deep.equal(expected)
  })

  it('takes a line that is no JSON for one without fields', async () => {
    const batch = new TestBatch([{ msg: 1 }])
    batch.lines.set(Buffer.from('no JSON'), 0)
    const sink = scene.open(filtering(scene.spec('a'), { keep: { fields: { msg: 1 } } }))
    expect(await sendTo(sink, batch)).to.deep.include({ filtered: [0] })
  })
})
