import { EventEmitter, errorMonitor, once } from 'node:events'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { currentTrace, runWithTrace, withSpan } from 'tracelane'
import { currentScope, emitWithin, type Scope, scopeOfEmitter, watcherOfEmitter } from '../../lib/context'

describe('emitWithin()', () => {
  let emitter: EventEmitter
  let scope: Scope
  let seen: (string | undefined)[]
  const note = (): void => void seen.push(currentTrace()?.spanId)

  beforeEach(() => {
    emitter = new EventEmitter()
    seen = []
    runWithTrace(() => {
      scope = currentScope() as Scope
    })
    emitWithin(emitter, scope)
  })

  it('runs every listener in the scope, however and wherever it was added', async () => {
    const came = once(emitter, 'it')
    emitter.on('it', note)
    emitter.prependListener('it', note)
    runWithTrace(() => emitter.once('it', note))
    expect(emitter.emit('it', 1, 2)).to.equal(true)
    runWithTrace(() => emitter.emit('it'))
    expect(seen).to.deep.equal(Array(5).fill(scope.context.spanId))
    expect(await came).to.deep.equal([1, 2])
  })

  it('runs a listener of errorMonitor in the scope, although nobody listens to the error itself', () => {
    emitter.on(errorMonitor, note)
    expect(() => emitter.emit('error', new Error('unheard'))).to.throw('unheard')
    expect(seen).to.deep.equal([scope.context.spanId])
  })

  it('leaves an emit from inside the same trace in its own span', () => {
    emitter.on('it', note)
    let inner: string | undefined
    runWithTrace(scope.context, () =>
      withSpan('inner', () => {
        inner = currentTrace()?.spanId
        emitter.emit('it')
      }),
    )
    expect(seen).to.deep.equal([inner])
  })

  it("leaves Node's own listener for the end of a request where it is, and takes nobody else's for it", async () => {
    const nodes = await nodesListenerForTheEnd()
    expect(nodes.name).to.equal('clearIncoming')
    Object.defineProperty(emitter, 'socket', { get: note })
    emitter.on('end', nodes)
    emitter.emit('end')
    expect(seen).to.deep.equal([undefined])
    emitter.off('end', nodes)
    emitter.on('end', function clearIncoming() {
      note()
    })
    emitter.emit('end')
    expect(seen).to.deep.equal([undefined, scope.context.spanId])
    emitter.on('end', nodes)
    emitter.emit('end')
    expect(seen.slice(2)).to.deep.equal([scope.context.spanId, scope.context.spanId])
  })

  it('keeps this, the result and errors of emit', () => {
    const fault = new Error('from a listener')
    emitter.on('it', function (this: unknown) {
      expect(this).to.equal(emitter)
      throw fault
    })
    expect(() => emitter.emit('it')).to.throw(fault)
    expect(emitter.emit('nobody')).to.equal(false)
    expect(() => emitter.emit('error', fault)).to.throw(fault)
  })

  it('leaves listeners and their removal as they are', () => {
    emitter.on('it', note)
    emitter.on(errorMonitor, note)
    expect(emitter.listeners('it')).to.deep.equal([note])
    emitter.removeListener('it', note)
    expect(emitter.listenerCount('it')).to.equal(0)
    expect(Object.keys(emitter)).to.deep.equal([...Object.keys(new EventEmitter()), 'emit'])
  })

  it('takes the last scope given, and wraps emit once', () => {
    const { emit } = emitter
    let other: Scope | undefined
    runWithTrace(() => {
      other = currentScope()
    })
    emitWithin(emitter, other as Scope)
    expect(emitter.emit).to.equal(emit)
    emitter.on('it', note)
    emitter.emit('it')
    expect(seen).to.deep.equal([other?.context.spanId])
    expect(scopeOfEmitter(emitter)).to.equal(other)
  })

  it('tells the watcher each event before the listeners hear it, and is none of them', () => {
    const watched = new EventEmitter()
    const heard: unknown[] = []
    const watcher = { emitted: (event: string | symbol, first: unknown) => void heard.push([event, first]) }
    emitWithin(watched, scope, watcher)
    expect(watched.eventNames()).to.deep.equal([])
    expect(watched.emit('nobody', 1)).to.equal(false)
    watched.on('it', () => heard.push('listener'))
    runWithTrace(scope.context, () => watched.emit('it', 2))
    emitWithin(watched, scope)
    watched.emit('it', 3)
    expect(heard).to.deep.equal([['nobody', 1], ['it', 2], 'listener', ['it', 3], 'listener'])
    expect(watcherOfEmitter(watched)).to.equal(watcher)
  })

  it('does no harm on an emitter to which its emit was copied', () => {
    const copy = Object.assign(new EventEmitter(), { emit: emitter.emit })
    copy.on('it', note)
    expect(copy.emit('it')).to.equal(true)
    expect(seen).to.deep.equal([undefined])
  })

  it('keeps an emit that somebody else had put on the emitter', () => {
    const patched = new EventEmitter()
    const events: unknown[] = []
    const { emit } = patched
    patched.emit = function (this: EventEmitter, event: string | symbol, ...args: unknown[]) {
      // Ours asks by a symbol, once, whether it is there already.
      if (typeof event === 'string') events.push(event)
      return emit.call(this, event, ...args)
    }
    emitWithin(patched, scope)
    patched.on('it', note)
    patched.emit('it')
    expect(events).to.deep.equal(['it'])
    expect(seen).to.deep.equal([scope.context.spanId])
  })
})

type Listener = (...args: unknown[]) => void

/* What a server of Node's adds to a request when it has answered it before the body was read. */
async function nodesListenerForTheEnd(): Promise<Listener> {
  let found: Listener | undefined
  const server = createServer((req, res) => {
    req.on('newListener', (event, listener: Listener) => {
      if (event === 'end') found = listener
    })
    res.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [response] = (await once(get({ port, host: '127.0.0.1', agent: false }), 'response')) as [IncomingMessage]
  await once(response.resume(), 'end')
  server.close()
  await once(server, 'close')
  return found as Listener
}

describe('scopeOfEmitter()', () => {
  it('finds the scope below an emit that somebody else has put over it', () => {
    const emitter = new EventEmitter()
    const scope = runWithTrace(() => currentScope() as Scope)
    emitWithin(emitter, scope)
    const { emit } = emitter
    emitter.emit = function (this: EventEmitter, ...args: Parameters<typeof emit>) {
      return emit.apply(this, args)
    }
    expect(scopeOfEmitter(emitter)).to.equal(scope)
  })

  it('takes an emit that throws for one without a scope', () => {
    const emitter = Object.assign(new EventEmitter(), {
      emit: () => {
        throw new Error('no')
      },
    })
    expect(scopeOfEmitter(emitter)).to.equal(undefined)
  })

  it('is not misled by an emit that was copied from an emitter with a scope', () => {
    const emitter = new EventEmitter()
    emitWithin(
      emitter,
      runWithTrace(() => currentScope() as Scope),
    )
    expect(scopeOfEmitter(Object.assign(new EventEmitter(), { emit: emitter.emit }))).to.equal(undefined)
  })

  it('is undefined for an emitter of nobody', () => {
    expect(scopeOfEmitter(new EventEmitter())).to.equal(undefined)
  })
})
