import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import {
  bindTrace,
  currentTrace,
  currentTraceId,
  detach,
  extractTrace,
  forkTrace,
  mdc,
  runWithTrace,
  type TraceContext,
} from 'tracelane'
import { FLAG_RANDOM, FLAG_SAMPLED, rootOf } from '../../lib/context'

const ID = 'a'.repeat(32)
const parent = (): TraceContext =>
  extractTrace({ traceparent: `00-${ID}-00f067aa0ba902b7-00`, tracestate: 'x=1' }) as TraceContext

describe('currentTrace()', () => {
  it('is undefined outside any trace', () => {
    expect(currentTrace()).to.equal(undefined)
    expect(currentTraceId()).to.equal(undefined)
  })

  it('is an immutable value whose root is in no JSON and no key', () => {
    runWithTrace(() => {
      const context = currentTrace() as TraceContext
      expect(Object.isFrozen(context)).to.equal(true)
      expect(Object.keys(context)).to.deep.equal(['traceId', 'spanId', 'parentSpanId', 'flags', 'traceState', 'baggage'])
      expect(JSON.parse(JSON.stringify(context))).to.have.all.keys('traceId', 'spanId', 'flags', 'traceState', 'baggage')
    })
  })
})

describe('runWithTrace()', () => {
  it('starts a new trace, sampled and with a random id, and returns what the function returns', () => {
    const context = runWithTrace(() => currentTrace()) as TraceContext
    expect(context.traceId).to.match(/^[0-9a-f]{32}$/)
    expect(context).to.include({ parentSpanId: undefined, flags: FLAG_SAMPLED | FLAG_RANDOM, traceState: '' })
    expect(currentTrace()).to.equal(undefined)
  })

  it('starts a new trace inside another, and for undefined', () => {
    runWithTrace(() => {
      const outer = currentTraceId()
      expect(runWithTrace(() => currentTraceId())).to.not.equal(outer)
      expect(runWithTrace(undefined, () => currentTraceId())).to.not.equal(outer)
      expect(currentTraceId()).to.equal(outer)
    })
  })

  it('goes on with a parent: same trace, flags, state and clock, in a new span', () => {
    const from = parent()
    runWithTrace(from, () => {
      const context = currentTrace() as TraceContext
      expect(context).to.include({ traceId: ID, parentSpanId: from.spanId, flags: 0, traceState: 'x=1' })
      expect(context.spanId).to.not.equal(from.spanId)
      expect(rootOf(context)).to.equal(rootOf(from))
    })
  })

  it('holds through await, timers, ticks and microtasks, and ends with the function', async () => {
    const seen: (string | undefined)[] = []
    const note = (): void => void seen.push(currentTraceId())
    await runWithTrace(parent(), async () => {
      await null
      note()
      await turn()
      note()
      const schedulers: ((fn: () => void) => unknown)[] = [(fn) => setTimeout(fn, 1), process.nextTick, queueMicrotask]
      for (const schedule of schedulers) {
        await new Promise<void>((resolve) =>
          schedule(() => {
            note()
            resolve()
          }),
        )
      }
    })
    expect(seen).to.deep.equal(Array(5).fill(ID))
    expect(currentTraceId()).to.equal(undefined)
  })

  it('passes on what the function throws or rejects with, and the flow around is as before', async () => {
    const error = new Error('mine')
    expect(() =>
      runWithTrace(() => {
        throw error
      }),
    ).to.throw(error)
    const caught = await runWithTrace(() => Promise.reject(error)).catch((reason: unknown) => reason)
    expect(caught).to.equal(error)
    expect(currentTrace()).to.equal(undefined)
  })

  it('keeps interleaved flows apart', async () => {
    const flow = (digit: string): Promise<(string | undefined)[]> =>
      runWithTrace(extractTrace({ traceparent: `00-${digit.repeat(32)}-00f067aa0ba902b7-01` }), async () => {
        const seen = [currentTraceId()]
        for (let i = 0; i < 20; i++) {
          await turn()
          seen.push(currentTraceId())
        }
        return seen
      })
    const all = await Promise.all(['b', 'c', 'd'].map(flow))
    expect(all.map((seen) => [...new Set(seen)])).to.deep.equal([['b'.repeat(32)], ['c'.repeat(32)], ['d'.repeat(32)]])
  })
})

describe('bindTrace()', () => {
  it('runs the function in the flow of the binding, whoever calls it', () => {
    const emitter = new EventEmitter()
    const seen: (string | undefined)[] = []
    runWithTrace(parent(), () =>
      emitter.on(
        'it',
        bindTrace(() => seen.push(currentTraceId())),
      ),
    )
    emitter.emit('it')
    runWithTrace(() => emitter.emit('it'))
    expect(seen).to.deep.equal([ID, ID])
  })

  it('ties to no trace when it is called outside any', () => {
    const bound = bindTrace(() => currentTraceId())
    expect(runWithTrace(bound)).to.equal(undefined)
  })

  it('sees what was put into the scope after the binding', () => {
    runWithTrace(() => {
      const bound = bindTrace(() => mdc.get('late'))
      mdc.put('late', 1)
      expect(runWithTrace(bound)).to.equal(1)
    })
  })

  it('keeps this, arguments, result, errors, length and name', () => {
    const bound = bindTrace(function add(this: { base: number }, a: number, b: number): number {
      if (Number.isNaN(a)) throw new Error('not a number')
      return this.base + a + b
    })
    expect(bound.call({ base: 1 }, 2, 3)).to.equal(6)
    expect(bound).to.include({ length: 2, name: 'bound add' })
    expect(() => bound.call({ base: 1 }, Number.NaN, 3)).to.throw('not a number')
  })
})

describe('detach()', () => {
  it('runs the function, and what it starts, outside any trace', async () => {
    await runWithTrace(async () => {
      const outer = currentTraceId()
      const seen = await detach(async () => {
        const before = currentTraceId()
        await turn()
        return [before, currentTraceId(), mdc.get('a')]
      })
      expect(seen).to.deep.equal([undefined, undefined, undefined])
      expect(currentTraceId()).to.equal(outer)
    })
  })

  it('returns and throws what the function does, also outside any trace', () => {
    expect(detach(() => 7)).to.equal(7)
    expect(() =>
      detach(() => {
        throw new Error('mine')
      }),
    ).to.throw('mine')
  })
})

describe('forkTrace()', () => {
  it('runs the function in a new trace, whose events name the one before', () => {
    runWithTrace(parent(), () => {
      mdc.put('orderId', 7)
      const [context, fields] = forkTrace(() => [currentTrace() as TraceContext, mdc.fields()] as const)
      expect(context.traceId).to.match(/^[0-9a-f]{32}$/)
      expect(context.traceId).to.not.equal(ID)
      expect(context).to.include({ parentSpanId: undefined, flags: FLAG_SAMPLED | FLAG_RANDOM, traceState: '' })
      expect(rootOf(context)).to.not.equal(rootOf(currentTrace() as TraceContext))
      expect({ ...fields }).to.deep.equal({ linkedTraceId: ID })
      expect(currentTraceId()).to.equal(ID)
    })
  })

  it('links to nothing outside any trace', () => {
    expect(forkTrace(() => [typeof currentTraceId(), { ...mdc.fields() }])).to.deep.equal(['string', {}])
  })
})
