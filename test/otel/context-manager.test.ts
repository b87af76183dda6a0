import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { type Context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api'
import { expect } from 'chai'
import { currentTraceId, mdc, runWithTrace } from 'tracelane'
import { TracelaneContextManager } from 'tracelane/otel'

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
