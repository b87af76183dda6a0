import { EventEmitter, once } from 'node:events'
import { finished, PassThrough, pipeline } from 'node:stream'
import { finished as finishedPromise } from 'node:stream/promises'
import { bindEmitter, bindTrace } from 'tracelane'
import { boundIf, deferred, type Flows, type Trap, type TrapGroup } from './trap'

const emitterIf = <E extends EventEmitter>(cured: boolean, emitter: E): E => (cured ? bindEmitter(emitter) : emitter)

const LATE_CALLBACK = { '20': 'wrong', '22': 'ok', '24': 'ok', '26': 'ok' } as const

function listener(name: string, add: (emitter: EventEmitter, note: () => void) => void): Trap {
  return {
    name,
    plain: 'wrong',
    cure: '`bindEmitter`',
    async run(flows, cured) {
      const emitter = emitterIf(cured, new EventEmitter())
      flows.run('A', () => add(emitter, () => flows.note('A')))
      flows.run('B', () => emitter.emit('it'))
    },
  }
}

/* `end` is called when everything that A has started is in place, from a turn of its own in B. */
async function endedByB(flows: Flows, stream: PassThrough): Promise<void> {
  await new Promise<void>((resolve) =>
    flows.run('B', () =>
      setImmediate(() => {
        stream.end()
        resolve()
      }),
    ),
  )
}

export const events: TrapGroup = {
  title: 'Events and streams',
  traps: [
    listener('`EventEmitter`: listener added in one flow, event emitted from another', (emitter, note) => emitter.on('it', note)),
    listener('`once`, after the same function was added and removed', (emitter, note) =>
      emitter.once('it', note).removeListener('it', note).once('it', note),
    ),
    {
      name: '`await once(emitter)`',
      plain: 'ok',
      async run(flows) {
        const emitter = new EventEmitter()
        const waiting = flows.run('A', async () => {
          await once(emitter, 'it')
          flows.note('A')
        })
        flows.run('B', () => emitter.emit('it'))
        await waiting
      },
    },
    {
      name: "stream: `'data'` listener in one flow, `write()` from another",
      plain: 'wrong',
      cure: '`bindEmitter`',
      async run(flows, cured) {
        const stream = emitterIf(cured, new PassThrough())
        const flowing = once(stream, 'resume')
        flows.run('A', () => stream.on('data', () => flows.note('A')))
        await flowing
        flows.run('B', () => stream.write('x'))
        stream.destroy()
      },
    },
    {
      name: '`stream.finished` with a callback, ended from another flow',
      plain: LATE_CALLBACK,
      cure: '`bindTrace`',
      async run(flows, cured) {
        const stream = new PassThrough().resume()
        const { promise, resolve } = deferred()
        const done = (): void => {
          flows.note('A')
          resolve()
        }
        flows.run('A', () => finished(stream, boundIf(cured, bindTrace, done)))
        await endedByB(flows, stream)
        await promise
      },
    },
    {
      name: '`stream.pipeline` with a callback, ended from another flow',
      plain: LATE_CALLBACK,
      cure: '`bindTrace`',
      async run(flows, cured) {
        const source = new PassThrough()
        const { promise, resolve } = deferred()
        const done = (): void => {
          flows.note('A')
          resolve()
        }
        flows.run('A', () => pipeline(source, new PassThrough().resume(), boundIf(cured, bindTrace, done)))
        await endedByB(flows, source)
        await promise
      },
    },
    {
      name: '`await finished(stream)` of node:stream/promises',
      plain: 'ok',
      async run(flows) {
        const stream = new PassThrough().resume()
        const waiting = flows.run('A', async () => {
          await finishedPromise(stream)
          flows.note('A')
        })
        await endedByB(flows, stream)
        await waiting
      },
    },
    {
      name: '`AbortSignal`: listener, aborted from another flow',
      plain: 'wrong',
      cure: '`bindTrace`',
      async run(flows, cured) {
        const abort = new AbortController()
        flows.run('A', () =>
          abort.signal.addEventListener(
            'abort',
            boundIf(cured, bindTrace, () => flows.note('A')),
          ),
        )
        flows.run('B', () => abort.abort())
      },
    },
  ],
}
