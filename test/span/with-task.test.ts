import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import express from 'express'
import {
  close,
  configure,
  configurePropagation,
  currentTrace,
  currentTraceId,
  fileSink,
  flush,
  getLogger,
  injectTrace,
  type LogEvent,
  mdc,
  runWithTrace,
  subscribeEvents,
  type TaskEnd,
  withSpan,
  withTask,
} from 'tracelane'
import { traceFetch } from 'tracelane/interceptors/fetch'
import { traceClientInterceptor } from 'tracelane/interceptors/grpc'
import { traceMiddleware } from 'tracelane/middleware/express'
import { jsonLinesOf, tempFolder } from '../support'
import { serveEcho } from '../support/echo-server'
import { Lanes, unary } from '../support/grpc-lanes'
import { serve } from '../support/http-server'

type Line = Readonly<Record<string, unknown>>

const log = getLogger('with-task')

describe('withTask()', () => {
  let path: string
  let ends: TaskEnd[]
  let unsubscribe: () => void

  beforeEach(() => {
    path = join(tempFolder(), 'out.log')
    void configure({ thread: false, sinks: [fileSink({ path })] })
    ends = []
    unsubscribe = subscribeEvents({ onTaskEnded: (end) => ends.push(end) })
  })
  afterEach(async () => {
    unsubscribe()
    configurePropagation()
    await close()
  })

  const lines = async (): Promise<Line[]> => {
    await flush()
    return jsonLinesOf(path)
  }
  const ofTask = async (task: string): Promise<Line[]> =>
    (await lines()).filter((line) => line['task'] === task && line['logger'] !== 'tracelane.task')

  it('puts task and user on every line, in the trace that there is', async () => {
    const result = runWithTrace(() => {
      const outside = currentTraceId()
      const inside = withTask({ task: 't-1', user: 'ann' }, () => {
        log.info('in')
        withSpan('part', () => log.info('deeper'))
        return currentTraceId()
      })
      log.info('after')
      return outside === inside
    })
    expect(result).to.equal(true)
    const said = (await lines()).map(({ msg, task, user }) => [String(msg).split(' ')[0], task, user])
    expect(said.slice(0, 3)).to.deep.equal([
      ['in', 't-1', 'ann'],
      ['deeper', 't-1', 'ann'],
      ['part', 't-1', 'ann'],
    ])
    expect(said.at(-1)).to.deep.equal(['after', undefined, undefined])
  })

  it('begins a trace where there is none', () => {
    expect(withTask({ task: 't' }, () => currentTrace()?.parentSpanId ?? currentTraceId())).to.match(/^[0-9a-f]{32}$/)
    expect(mdc.get('task')).to.equal(undefined)
  })

  it('tells at the end how many events there were, from which seq to which, in an event and to subscribers', async () => {
    await withTask({ task: 't-2' }, async () => {
      for (let i = 0; i < 3; i++) {
        log.info('mine')
        runWithTrace(() => log.info('of nobody'))
        await Promise.resolve()
      }
      log.info({ task: 'another' }, 'renamed away')
    })
    const counted = await ofTask('t-2')
    const seqs = counted.map((line) => line['seq'])
    const [end] = ends
    expect(end).to.include({ task: 't-2', count: 3, discarded: 0, firstSeq: seqs[0], lastSeq: seqs[2] })
    expect(end?.instance).to.equal(counted[0]?.['instance'])
    const told = (await lines()).filter(({ logger }) => logger === 'tracelane.task')
    expect(told.map(({ taskEnd, task }) => [taskEnd, task])).to.deep.equal([[{ ...end }, 't-2']])
  })

  it('ends when fn throws or rejects, and hands that on', async () => {
    const wrong = new Error('mine')
    const thrown = (): never =>
      withTask({ task: 't-3' }, () => {
        throw wrong
      })
    expect(thrown).to.throw(wrong)
    const rejected = await withTask({ task: 't-4' }, () => Promise.reject(wrong)).catch((error) => error)
    expect(rejected).to.equal(wrong)
    expect(ends.map(({ task, count }) => [task, count])).to.deep.equal([
      ['t-3', 0],
      ['t-4', 0],
    ])
    expect(ends[0]).to.include({ firstSeq: undefined, lastSeq: undefined })
  })

  it('gives one account for all that runs at once under one task', async () => {
    await Promise.all(
      Array.from({ length: 3 }, (_, i) =>
        withTask({ task: 't-5' }, async () => {
          log.info(`part ${i}`)
          await Promise.resolve()
          withTask({ task: 't-5' }, () => log.info(`within ${i}`))
        }),
      ),
    )
    expect(ends.map(({ task, count }) => [task, count])).to.deep.equal([['t-5', 6]])
  })

  it('counts what was discarded', async () => {
    // Nothing can be written before the folder is there.
    const later = join(tempFolder(), 'later')
    writeFileSync(later, '')
    path = join(later, 'task.log')
    void configure({ sinks: [fileSink({ path })], queueBytes: 65_536, flushIntervalMs: 10_000 })
    const logged = 400
    withTask({ task: 't-6' }, () => {
      for (let i = 0; i < logged; i++) log.info('x'.repeat(1000))
    })
    unlinkSync(later)
    const written = (await ofTask('t-6')).filter(({ logger }) => logger === 'with-task')
    const [end] = ends
    expect(end?.discarded).to.be.greaterThan(0)
    expect(end?.count).to.equal(logged)
    expect(written.length + (end?.discarded ?? 0)).to.equal(logged)
  })

  describe('on the wire', () => {
    it('sends the task to hosts on an allow-list alone, and the user to none', async () => {
      const echo = await serveEcho()
      const baggage: unknown[] = []
      for (const targets of [undefined, ['127.0.0.1'], ['elsewhere']]) {
        const get = traceFetch(undefined, targets === undefined ? {} : { targets })
        await withTask({ task: 't-7', user: 'ann' }, () => get(echo.origin).then((reply) => reply.text()))
        baggage.push(echo.seen.at(-1)?.headers['baggage'])
        expect(JSON.stringify(echo.seen.at(-1)?.headers)).to.not.include('ann')
      }
      await echo.close()
      expect(baggage).to.deep.equal([undefined, 'tracelane-task=t-7', undefined])
    })

    it('does the same in gRPC metadata', async () => {
      const got: unknown[] = []
      for (const targets of [undefined, ['127.0.0.1']]) {
        const lanes = await Lanes.open(
          {
            Unary(call, callback) {
              got.push(call.metadata.get('baggage'))
              callback(null, { text: 'done' })
            },
          },
          { client: [traceClientInterceptor(targets === undefined ? {} : { targets })] },
        )
        await withTask({ task: 't-8' }, () => unary(lanes.client)).finally(() => lanes.close())
      }
      expect(got).to.deep.equal([[], ['tracelane-task=t-8']])
    })

    it('is the field task of a service that asks for it', async () => {
      const fields: unknown[] = []
      const app = express()
      app.use(traceMiddleware({ baggageFields: ['tracelane-task'] }))
      app.get('/', (_req, res) => {
        fields.push({ ...mdc.fields() })
        res.end()
      })
      const server = await serve(app)
      const get = traceFetch(undefined, { targets: ['127.0.0.1'] })
      await withTask({ task: 't-9', user: 'ann' }, () => get(server.origin).then((reply) => reply.text()))
      await server.close()
      expect(fields).to.deep.equal([{ task: 't-9' }])
    })

    it('goes into a carrier that the application fills by hand', () => {
      const carrier = withTask({ task: 't-10' }, () => injectTrace<Record<string, string>>({}))
      expect(carrier['baggage']).to.equal('tracelane-task=t-10')
    })
  })

  it('refuses what is no opaque id, and wrong options', () => {
    for (const task of ['', 'a b', 'x'.repeat(129), 'ä', undefined, 7]) {
      expect(() => withTask({ task: task as string }, () => undefined)).to.throw(/withTask.*'task'.*an id of 1 to 128/)
    }
    expect(() => withTask({ task: 't', user: '' }, () => undefined)).to.throw(/'user' must be a text of 1 to 256/)
    expect(() => withTask({ task: 't', name: 'x' } as never, () => undefined)).to.throw(/does not know 'name'/)
  })

  it('tells subscribers the end after the event that says it', () => {
    const order: unknown[] = []
    const stop = subscribeEvents({
      onEvent: (event: LogEvent) => order.push(event.logger),
      onTaskEnded: (end) => order.push(end.task),
    })
    withTask({ task: 't-11' }, () => undefined)
    stop()
    expect(order).to.deep.equal(['tracelane.task', 't-11'])
  })
})
