import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { type Context, type ContextAPI, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { expect } from 'chai'
import { currentTraceId, mdc, runWithTrace } from 'tracelane'
import { TracelaneContextManager } from 'tracelane/otel'
import { currentFlow } from '../../lib/context'

const KEY = createContextKey('a test')
const named = (name: string): Context => ROOT_CONTEXT.setValue(KEY, name)

/* The behaviour that OpenTelemetry documents for every context manager, on our storage. */
describe('TracelaneContextManager', () => {
  let manager: TracelaneContextManager

  beforeEach(() => {
    manager = new TracelaneContextManager().enable()
  })

  afterEach(() => {
    manager.disable()
  })

  const name = (): unknown => manager.active().getValue(KEY)

  describe('active()', () => {
    it('is the root context outside any', () => {
      expect(manager.active()).to.equal(ROOT_CONTEXT)
      expect(runWithTrace(() => manager.active())).to.equal(ROOT_CONTEXT)
    })

    it('knows nothing of the contexts of another manager', () => {
      const other = new TracelaneContextManager()
      expect(other.with(named('other'), () => manager.active())).to.equal(ROOT_CONTEXT)
    })
  })

  describe('with()', () => {
    it('calls with this and arguments, and returns what is returned', () => {
      const self = { a: 1 }
      function add(this: { a: number }, b: number, c: number): number[] {
        return [this.a, b, c]
      }
      expect(manager.with(named('x'), add, self, 2, 3)).to.deep.equal([1, 2, 3])
    })

    it('nests, and restores the context around, also when something is thrown', () => {
      const seen: unknown[] = []
      manager.with(named('outer'), () => {
        seen.push(name())
        manager.with(named('inner'), () => seen.push(name()))
        expect(() =>
          manager.with(named('failing'), () => {
            throw new Error('no')
          }),
        ).to.throw('no')
        seen.push(name())
      })
      expect(seen).to.deep.equal(['outer', 'inner', 'outer'])
      expect(manager.active()).to.equal(ROOT_CONTEXT)
    })

    it('lasts over await, timers and promises, apart from flows beside it', async () => {
      const flow = (id: string) =>
        manager.with(named(id), async () => {
          await turn()
          const first = name()
          await manager.with(named(`${id}${id}`), () => turn())
          const later = await new Promise((resolve) => setTimeout(() => resolve(name()), 1))
          return [first, later]
        })
      expect(await Promise.all(['a', 'b'].map(flow))).to.deep.equal([
        ['a', 'a'],
        ['b', 'b'],
      ])
    })

    it('goes on in the trace of tracelane around, and puts into its MDC', () => {
      runWithTrace(() => {
        const id = currentTraceId()
        manager.with(named('x'), () => {
          expect(currentTraceId()).to.equal(id)
          mdc.put('put', 'inside')
          manager.with(named('y'), () => mdc.put('deep', 'too'))
          runWithTrace(() => expect(name()).to.equal('x'))
        })
        expect(mdc.fields()).to.include({ put: 'inside', deep: 'too' })
      })
    })

    it('begins no trace of tracelane by itself', () => {
      manager.with(named('x'), () => {
        expect(currentTraceId()).to.equal(undefined)
        expect(runWithTrace(() => [name(), typeof currentTraceId()])).to.deep.equal(['x', 'string'])
      })
    })
  })

  describe('bind()', () => {
    it('ties a function, with its length, this and arguments', () => {
      const bound = manager.bind(named('bound'), function (this: unknown, a: number, b: number) {
        return [this, a, b, name()]
      })
      const self = {}
      expect(bound.length).to.equal(2)
      expect(manager.with(named('caller'), () => bound.call(self, 1, 2))).to.deep.equal([self, 1, 2, 'bound'])
    })

    it('ties the listeners of an emitter, and removes them again', () => {
      const emitter = manager.bind(named('bound'), new EventEmitter())
      const seen: unknown[] = []
      const listener = (): void => void seen.push(name())
      manager.with(named('adder'), () => emitter.on('a', listener).once('a', listener).prependListener('a', listener))
      manager.with(named('emitter'), () => emitter.emit('a'))
      expect(seen).to.deep.equal(['bound', 'bound', 'bound'])
      expect(emitter.listenerCount('a')).to.equal(2)
      emitter.removeListener('a', listener)
      emitter.off('a', listener)
      expect(emitter.listenerCount('a')).to.equal(0)
      expect(manager.bind(named('again'), emitter)).to.equal(emitter)
    })

    it('returns anything else as it is', () => {
      for (const value of [1, 'text', undefined, null, { a: 1 }]) expect(manager.bind(named('x'), value)).to.equal(value)
    })
  })

  describe('attach()', () => {
    it('is active from then on, also in what is started, until it is disposed of, once', async () => {
      await manager.with(named('around'), async () => {
        await turn()
        const token = manager.attach(named('attached'))
        expect(name()).to.equal('attached')
        const started = turn().then(name)
        const inner = manager.with(named('inner'), () => [name(), manager.attach(named('gone with the scope')), name()])
        expect([inner[0], inner[2], name()]).to.deep.equal(['inner', 'gone with the scope', 'attached'])
        token.dispose()
        expect(name()).to.equal('around')
        const next = manager.attach(named('next'))
        token.dispose()
        expect(name()).to.equal('next')
        next.dispose()
        expect(name()).to.equal('around')
        expect(await started).to.equal('attached')
      })
      expect(manager.active()).to.equal(ROOT_CONTEXT)
    })

    it('restores what was before when tokens are disposed of in any order', () => {
      manager.with(named('around'), () => {
        const first = manager.attach(named('first'))
        const second = manager.attach(named('second'))
        first.dispose()
        expect(name()).to.equal('around')
        second.dispose()
        expect(name()).to.equal('first')
      })
    })

    it('goes on in the trace of tracelane and its MDC, whose trace a token from elsewhere does not touch', () => {
      runWithTrace(() => {
        const id = currentTraceId()
        const token = manager.attach(named('attached'))
        mdc.put('put', 'inside')
        expect([currentTraceId(), name()]).to.deep.equal([id, 'attached'])
        runWithTrace(() => {
          const other = currentTraceId()
          mdc.put('of', 'the other')
          token.dispose()
          expect([currentTraceId(), name()]).to.deep.equal([other, undefined])
          expect(mdc.fields()).to.deep.equal({ of: 'the other' })
        })
        expect(currentTraceId()).to.equal(id)
        expect(mdc.fields()).to.deep.equal({ put: 'inside' })
      })
      expect(manager.active()).to.equal(ROOT_CONTEXT)
    })

    it('ends outside any trace where it began there', async () => {
      await turn()
      const token = manager.attach(named('attached'))
      expect(currentTraceId()).to.equal(undefined)
      token.dispose()
      expect(currentFlow()).to.equal(undefined)
    })

    it('is what context.attach() of @opentelemetry/api 1.10 calls', () => {
      // Versions of the API share one global object, which takes registrations of the version that made it.
      const key = Symbol.for('opentelemetry.js.api.1')
      const realm = globalThis as Record<symbol, unknown>
      const earlier = realm[key]
      delete realm[key]
      try {
        const { context } = require(
          require.resolve('@opentelemetry/api', { paths: [require.resolve('otel3/package.json')] }),
        ) as {
          readonly context: ContextAPI & { attach(context: Context): { dispose(): void } }
        }
        expect(context.setGlobalContextManager(manager)).to.equal(true)
        const token = context.attach(named('attached'))
        const seen = context.active().getValue(KEY)
        token.dispose()
        expect([seen, context.active().getValue(KEY)]).to.deep.equal(['attached', undefined])
      } finally {
        realm[key] = earlier
      }
    })
  })

  describe('disable()', () => {
    it('clears contexts everywhere, and leaves traces of tracelane alone', () => {
      runWithTrace(() => {
        const id = currentTraceId()
        manager.with(named('x'), () => {
          const bound = manager.bind(manager.active(), () => name())
          expect(manager.disable()).to.equal(manager)
          expect(manager.active()).to.equal(ROOT_CONTEXT)
          expect(currentTraceId()).to.equal(id)
          expect(manager.enable()).to.equal(manager)
          expect(manager.active()).to.equal(ROOT_CONTEXT)
          expect(bound()).to.equal('x')
        })
      })
    })
  })
})
