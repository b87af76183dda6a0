import { expect } from 'chai'
import {
  circuitBreaking,
  failover,
  filtering,
  httpSink,
  otlpSink,
  retrying,
  routing,
  type SinkSpec,
  spooling,
  tee,
  throttling,
} from 'tracelane'
import { type AsyncSink, openAsyncSink, type SinkBatch } from '../../../lib/sinks'
import { tempFolder } from '../../support'
import { messagesOf, Scene, sendTo, TestBatch } from './scene'

/* The destinations a and b: which batches they made ready, and which of those they sent. */
class Preparing {
  readonly scene = new Scene()
  readonly prepared: string[] = []
  readonly sentAsPrepared: string[] = []
  isDown = false

  constructor() {
    for (const name of ['a', 'b']) this.scene.at(name).open = () => this.#open(name)
  }

  #open(name: string): AsyncSink {
    const ready = new Set<SinkBatch>()
    return {
      prepare: (batch) => {
        this.prepared.push(`${name}: ${said(batch)}`)
        ready.add(batch)
      },
      send: async (batch) => {
        if (this.isDown && name === 'a') return { outcome: 'retryable', reason: 'down' }
        if (ready.has(batch)) this.sentAsPrepared.push(`${name}: ${said(batch)}`)
        return { outcome: 'delivered' }
      },
      close: async () => undefined,
    }
  }
}

function said({ lines }: SinkBatch): string {
  return messagesOf(Buffer.from(lines).toString().split('\n').slice(0, -1)).join(' ')
}

const batchOf = (...messages: readonly string[]): TestBatch =>
  new TestBatch(messages.map((msg) => ({ msg, level: msg.startsWith('warn') ? 'warn' : 'info' })))

describe('prepare() of decorators', () => {
  let world: Preparing
  let a: SinkSpec
  let b: SinkSpec

  beforeEach(() => {
    world = new Preparing()
    a = world.scene.spec('a')
    b = world.scene.spec('b')
  })

  async function prepareAndSend(sink: AsyncSink, batch: TestBatch): Promise<void> {
    sink.prepare?.(batch)
    await sendTo(sink, batch)
  }

  /* All that was made ready was sent as it was. */
  function expectPrepared(...batches: readonly string[]): void {
    expect(world.prepared).to.deep.equal(batches)
    expect(world.sentAsPrepared).to.deep.equal(batches)
  }

  it('retrying, and several around each other: the sink makes ready the very batch that it is sent', async () => {
    await prepareAndSend(world.scene.open(failover([retrying(circuitBreaking(a), { attempts: 2 }), b])), batchOf('one', 'two'))
    expectPrepared('a: one two')
  })

  it('tee: each sink does', async () => {
    await prepareAndSend(world.scene.open(tee([a, b])), batchOf('one'))
    expectPrepared('a: one', 'b: one')
  })

  it('filtering: what it lets through', async () => {
    const sink = world.scene.open(filtering(a, { keep: { level: 'warn' } }))
    await prepareAndSend(sink, batchOf('one', 'warn', 'two', 'warn too'))
    await prepareAndSend(sink, batchOf('three'))
    expectPrepared('a: warn warn too')
  })

  it('routing: each sink what it gets, if it is open already', async () => {
    const sink = world.scene.open(routing({ routes: [{ when: { level: 'warn' }, to: a }], otherwise: b }))
    await prepareAndSend(sink, batchOf('one', 'two'))
    await prepareAndSend(sink, batchOf('warn', 'three'))
    expectPrepared('b: three')
    await prepareAndSend(sink, batchOf('four', 'warn too'))
    expectPrepared('b: three', 'b: four', 'a: warn too')
  })

  it('failover: the one that gets it now', async () => {
    const sink = world.scene.open(failover([a, b], { probeAfterMs: 1000 }))
    world.isDown = true
    await prepareAndSend(sink, batchOf('one'))
    expect(world.sentAsPrepared).to.deep.equal([])
    await prepareAndSend(sink, batchOf('two'))
    expect(world.prepared).to.deep.equal(['a: one', 'b: two'])
    expect(world.sentAsPrepared).to.deep.equal(['b: two'])
  })

  it('circuitBreaking: nothing while the circuit is open', async () => {
    const sink = world.scene.open(circuitBreaking(a, { failures: 1, openMs: 1000 }))
    world.isDown = true
    await prepareAndSend(sink, batchOf('one'))
    await prepareAndSend(sink, batchOf('two'))
    expect(world.prepared).to.deep.equal(['a: one'])
  })

  it('spooling: nothing that goes to the disk', async () => {
    const sink = world.scene.open(spooling(a, { directory: tempFolder() }))
    await prepareAndSend(sink, batchOf('one'))
    expectPrepared('a: one')
    world.isDown = true
    await prepareAndSend(sink, batchOf('two'))
    await prepareAndSend(sink, batchOf('three'))
    expect(world.prepared).to.deep.equal(['a: one', 'a: two'])
    await sink.close()
  })

  it('is not there for what is sent at its own pace, and where no sink below has one', () => {
    expect(world.scene.open(throttling(a, { perSecond: 5 }))).not.to.have.property('prepare')
    expect(world.scene.open(throttling(a, { perSecond: 5, over: 'drop' }))).not.to.have.property('prepare')
    expect(world.scene.open(tee([world.scene.spec('c'), world.scene.spec('d')]))).not.to.have.property('prepare')
  })

  it('is there for whoever opens a decorated sink of ours', async () => {
    const url = 'http://127.0.0.1:9/'
    for (const leaf of [httpSink({ url }), otlpSink({ url })]) {
      const sink = openAsyncSink(retrying(leaf))
      expect(sink).to.have.property('prepare')
      await sink.close()
    }
  })
})
