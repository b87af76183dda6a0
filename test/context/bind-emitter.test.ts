import { EventEmitter, on, once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { expect } from 'chai'
import { bindEmitter, currentTraceId, isTracelaneError, runWithTrace } from 'tracelane'

/* Two emitters of the same kind, of which one is bound: whatever is asked of both must be answered alike. */
function pair(): readonly [plain: EventEmitter, bound: EventEmitter] {
  return [new EventEmitter(), bindEmitter(new EventEmitter())]
}

const METHODS = ['on', 'addListener', 'prependListener', 'once', 'prependOnceListener'] as const

describe('bindEmitter()', () => {
  let seen: (string | undefined)[]
  const note = (): void => void seen.push(currentTraceId())
  const inTrace = (fn: () => void): string =>
    runWithTrace(() => {
      fn()
      return currentTraceId() as string
    })

  beforeEach(() => {
    seen = []
  })

  for (const method of METHODS) {
    it(`runs a listener added by ${method}() in the flow that added it`, () => {
      const emitter = bindEmitter(new EventEmitter())
      const a = inTrace(() => emitter[method]('it', note))
      runWithTrace(() => emitter.emit('it'))
      expect(seen).to.deep.equal([a])
      expect(emitter.listenerCount('it')).to.equal(method.includes('nce') ? 0 : 1)
    })
  }

  it('runs a listener added outside any trace outside any', () => {
    const emitter = bindEmitter(new EventEmitter())
    emitter.on('it', note)
    runWithTrace(() => emitter.emit('it'))
    expect(seen).to.deep.equal([undefined])
  })

  it('leaves listeners of before, and other emitters, as they are', () => {
    const emitter = new EventEmitter()
    const other = new EventEmitter()
    inTrace(() => emitter.on('it', note))
    bindEmitter(emitter)
    inTrace(() => other.on('it', note))
    const b = inTrace(() => void [emitter.emit('it'), other.emit('it')])
    expect(seen).to.deep.equal([b, b])
    expect(Object.keys(emitter)).to.deep.equal(Object.keys(other))
  })

  it('keeps the same function apart in each flow that added it, and removes the last one first', () => {
    const emitter = bindEmitter(new EventEmitter())
    const ids = [1, 2, 3].map(() => inTrace(() => emitter.on('it', note)))
    emitter.emit('it')
    emitter.off('it', note)
    emitter.emit('it')
    emitter.removeListener('it', note)
    emitter.removeListener('it', note)
    expect(emitter.emit('it')).to.equal(false)
    expect(seen).to.deep.equal([...ids, ids[0], ids[1]])
  })

  it('lets a once() be removed by the function given, and by what rawListeners() gave', () => {
    for (const emitter of pair()) {
      emitter.once('it', note).prependOnceListener('it', note)
      emitter.off('it', note)
      const [raw] = emitter.rawListeners('it')
      expect((raw as { listener?: unknown }).listener).to.equal(note)
      emitter.off('it', raw as () => void)
      expect(emitter.emit('it')).to.equal(false)
      emitter.once('it', note)
      emitter.rawListeners('it')[0]?.()
      expect(emitter.listenerCount('it')).to.equal(0)
      emitter.once('it', note).on('other', note).removeAllListeners('it')
      expect(emitter.eventNames()).to.deep.equal(['other'])
    }
    expect(seen).to.have.length(2)
  })

  it('answers listeners(), rawListeners() and listenerCount() as without it', () => {
    const other = (): void => undefined
    const answers = pair().map((emitter) => {
      emitter.on('it', note).once('it', other).prependListener('it', other).on('it', note)
      const raw = emitter
        .rawListeners('it')
        .map((fn) => (fn === note || fn === other ? fn : (fn as { listener?: unknown }).listener))
      return [emitter.listeners('it'), raw, emitter.listenerCount('it'), emitter.listenerCount('it', note), emitter.eventNames()]
    })
    expect(answers[1]).to.deep.equal(answers[0])
    expect(answers[1]?.[0]).to.deep.equal([other, note, other, note])
  })

  it("tells 'newListener' and 'removeListener' the function that was given", () => {
    const told = pair().map((emitter) => {
      const events: unknown[] = []
      emitter.on('newListener', (event, fn) => events.push('new', event, fn))
      emitter.on('removeListener', (event, fn) => events.push('removed', event, fn))
      emitter.on('it', note).once('it', note).off('it', note).emit('it')
      emitter.once('it', note).emit('it')
      return events.map((value) =>
        typeof value === 'function' ? value === note || (value as { listener?: unknown }).listener === note : value,
      )
    })
    expect(told[1]).to.deep.equal(told[0])
  })

  it('keeps this, arguments, results for captured rejections, and the errors of emit', async () => {
    const emitter = bindEmitter(new EventEmitter({ captureRejections: true }))
    const caught = once(
      emitter.on('error', () => undefined),
      'error',
    ).catch((error: unknown) => [error])
    emitter.on('it', async function (this: unknown, a: number, b: number) {
      expect(this).to.equal(emitter)
      throw new Error(`${a + b}`)
    })
    emitter.emit('it', 1, 2)
    expect(await caught).to.have.nested.property('[0].message', '3')
    emitter.removeAllListeners()
    emitter.on('it', () => {
      throw new Error('sync')
    })
    expect(() => emitter.emit('it')).to.throw('sync')
    expect(() => emitter.on('it', 'no function' as unknown as () => void)).to.throw(TypeError, /listener/)
  })

  it('changes nothing when done twice', () => {
    const emitter = bindEmitter(new EventEmitter())
    const { on: added } = emitter
    expect(bindEmitter(emitter).on).to.equal(added)
    const a = inTrace(() => emitter.on('it', note))
    emitter.off('it', note).emit('it')
    inTrace(() => emitter.once('it', note))
    emitter.emit('it')
    expect(seen).to.have.length(1).and.not.include(a)
  })

  it('works with a subclass that has methods of its own, which call one another', () => {
    class Counting extends EventEmitter {
      added = 0
      override on(event: string, listener: () => void): this {
        this.added++
        return super.on(event, listener)
      }
      override addListener(event: string, listener: () => void): this {
        return this.on(event, listener)
      }
      override once(event: string, listener: () => void): this {
        return super.once(event, listener)
      }
    }
    const emitter = bindEmitter(new Counting())
    const ids = [inTrace(() => emitter.addListener('it', note)), inTrace(() => emitter.once('it', note))]
    emitter.emit('it')
    expect(seen).to.deep.equal(ids)
    expect(emitter.added).to.equal(2)
    emitter.once('it', note).off('it', note).off('it', note)
    expect(emitter.listenerCount('it')).to.equal(0)
  })

  it('works with streams: data, pipe, finished, pipeline and iteration', async () => {
    const left: number[][] = []
    for (const bind of [<E extends EventEmitter>(emitter: E): E => emitter, bindEmitter]) {
      seen = []
      const source = bind(Readable.from(['a', 'b']))
      const through = bind(new PassThrough())
      const texts: string[] = []
      const a = inTrace(() =>
        through.on('data', (chunk: Buffer) => {
          texts.push(String(chunk))
          note()
        }),
      )
      await runWithTrace(() => Promise.all([pipeline(source, through), finished(through)]))
      if (bind === bindEmitter) expect(seen).to.deep.equal([a, a])
      const again = bind(new PassThrough())
      again.end('c')
      for await (const chunk of again) texts.push(String(chunk))
      expect(texts).to.deep.equal(['a', 'b', 'c'])
      left.push([source, through, again].flatMap((stream) => stream.eventNames().map((name) => stream.listenerCount(name))))
    }
    expect(left[1]).to.deep.equal(left[0])
  })

  it('works with once() and on() of node:events, which clean up after themselves', async () => {
    const emitter = bindEmitter(new EventEmitter())
    setImmediate(() => emitter.emit('it', 7))
    expect(await once(emitter, 'it')).to.deep.equal([7])
    const abort = new AbortController()
    setImmediate(() => emitter.emit('it', 8))
    const got: unknown[] = []
    try {
      for await (const values of on(emitter, 'it', { signal: abort.signal })) {
        got.push(values)
        abort.abort()
      }
    } catch (error) {
      expect((error as Error).name).to.equal('AbortError')
    }
    expect(got).to.deep.equal([[8]])
    expect(emitter.eventNames()).to.deep.equal([])
  })

  it('refuses what is no EventEmitter, and names the cure', () => {
    for (const wrong of [new EventTarget(), new AbortController().signal, {}, undefined]) {
      expect(() => bindEmitter(wrong as EventEmitter))
        .to.throw(/bind the listeners of others one by one with bindTrace/)
        .that.satisfies(isTracelaneError)
    }
  })
})
