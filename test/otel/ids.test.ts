import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect } from 'chai'
import express from 'express'
import { currentTrace, currentTraceId, injectTrace, mdc, runWithTrace, withSpan } from 'tracelane'
import { traceHttp } from 'tracelane/interceptors/http'
import { traceMiddleware } from 'tracelane/middleware/express'
import { TracelaneContextManager, useOpenTelemetryIds } from 'tracelane/otel'
import { currentScope } from '../../lib/context'
import { captureEvent } from '../../lib/event'
import { type EchoServer, serveEcho } from '../support/echo-server'
import { listenToPort, type PortEvents } from '../support/port-events'

const MANAGERS = {
  "tracelane's context manager": () => new TracelaneContextManager(),
  "OpenTelemetry's own context manager": () => new AsyncLocalStorageContextManager(),
}

const TRACEPARENT = `00-${'a'.repeat(32)}-00f067aa0ba902b7-01`
const shown = () => {
  const { traceId, spanId } = captureEvent(currentScope(), { level: 'info', logger: 'test', msg: 'x' })
  return { traceId, spanId }
}

for (const [name, make] of Object.entries(MANAGERS)) {
  describe(`useOpenTelemetryIds() with ${name}`, () => {
    const exporter = new InMemorySpanExporter()
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
    const tracer = provider.getTracer('test')
    let manager: ReturnType<typeof make>
    let stop: () => void
    let port: PortEvents
    let echo: EchoServer

    beforeEach(async () => {
      manager = make()
      context.setGlobalContextManager(manager.enable())
      stop = useOpenTelemetryIds()
      port = listenToPort()
      echo = await serveEcho()
    })

    afterEach(async () => {
      stop()
      port.stop()
      context.disable()
      exporter.reset()
      await echo.close()
    })

    /* What OpenTelemetry's instrumentation of node:http does: a server span around the handling of each request. */
    function instrumented(server: Server): Server {
      const { emit } = server
      server.emit = function (this: Server, ...all: Parameters<Server['emit']>): boolean {
        const [event, ...args] = all as unknown as [string, ...unknown[]]
        if (event !== 'request') return emit.apply(this, all)
        const [req, res] = args as [import('node:http').IncomingMessage, import('node:http').ServerResponse]
        const [, traceId, spanId] = /^00-(\w{32})-(\w{16})/.exec(String(req.headers['traceparent'])) ?? []
        const remote = { traceId: traceId as string, spanId: spanId as string, traceFlags: 1, isRemote: true }
        const parent = traceId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, remote)
        const span = tracer.startSpan('server', { kind: SpanKind.SERVER }, parent)
        res.once('close', () => span.end())
        return context.with(trace.setSpan(parent, span), () => emit.apply(this, all))
      } as Server['emit']
      return server
    }

    async function served(
      handler: express.RequestHandler,
      use: (port: number) => Promise<void>,
      wrap: (server: Server) => Server = instrumented,
      listen: (server: Server) => unknown = (server) => server.listen(0),
      options: Parameters<typeof traceMiddleware>[0] = {},
    ): Promise<void> {
      const app = express().use(traceMiddleware(options)).use(handler)
      const server = wrap(createServer(app))
      listen(server)
      await once(server, 'listening')
      await use((server.address() as AddressInfo).port)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    }

    const get = async (address: number, headers: Record<string, string> = {}): Promise<Response> => {
      const reply = await fetch(`http://127.0.0.1:${address}/`, { headers })
      await reply.text()
      return reply
    }

    it('shows the ids of the active span, in a trace of ours and outside any, until it is stopped', () => {
      const span = tracer.startSpan('x')
      const { traceId, spanId } = span.spanContext()
      const active = trace.setSpan(ROOT_CONTEXT, span)
      context.with(active, () => expect(shown()).to.deep.equal({ traceId, spanId }))
      runWithTrace(() => {
        const own = shown()
        context.with(active, () => {
          expect(shown()).to.deep.equal({ traceId, spanId })
          expect(currentTrace()).to.include({ traceId, spanId })
          expect(injectTrace({} as Record<string, string>)['traceparent']).to.include(traceId)
        })
        expect(shown()).to.deep.equal(own)
      })
      stop()
      context.with(active, () => expect(currentTrace()).to.equal(undefined))
      span.end()
    })

    it('opens spans of ours under the active span, with ids of their own until the next one', () => {
      tracer.startActiveSpan('outer', (outer) => {
        withSpan('ours', () => {
          const ours = currentTrace()
          expect(ours).to.include({ traceId: outer.spanContext().traceId, parentSpanId: outer.spanContext().spanId })
          expect(shown().spanId).to.not.equal(outer.spanContext().spanId)
          tracer.startActiveSpan('inner', (inner) => {
            expect(shown().spanId).to.equal(inner.spanContext().spanId)
            inner.end()
          })
          expect(currentTrace()).to.deep.equal(ours)
        })
        outer.end()
      })
    })

    it('keeps what is put into the MDC inside a span', () => {
      runWithTrace(() => {
        tracer.startActiveSpan('x', (span) => {
          mdc.put('a', 1)
          span.end()
        })
        expect(mdc.get('a')).to.equal(1)
      })
    })

    for (const [what, headers] of [
      ['a request without a trace', {}],
      ['a request of a traced caller', { traceparent: TRACEPARENT }],
    ] as const) {
      it(`makes one trace of ${what} through Express`, async () => {
        const seen: { traceId: string | undefined; spanId: string | undefined }[] = []
        const http = traceHttp()
        await served(
          async (_req, res) => {
            await null
            seen.push(shown())
            await tracer.startActiveSpan('work', async (span) => {
              seen.push(shown())
              const call = http.get(echo.origin, (reply) => void reply.resume())
              await once(call, 'close')
              span.end()
            })
            seen.push(shown())
            res.end('ok')
          },
          async (address) => {
            const reply = await get(address, headers)
            await port.spanCount(2)
            const spans = exporter.getFinishedSpans() as ReadableSpan[]
            const server = spans.find((span) => span.name === 'server')?.spanContext()
            const work = spans.find((span) => span.name === 'work')
            expect(reply.headers.get('x-trace-id')).to.equal(server?.traceId)
            if ('traceparent' in headers) expect(server?.traceId).to.equal('a'.repeat(32))
            const ids = [server, work?.spanContext(), server].map((one) => ({ traceId: one?.traceId, spanId: one?.spanId }))
            expect(seen).to.deep.equal(ids)
            expect(work?.parentSpanContext?.spanId).to.equal(server?.spanId)
            const [client, ours] = port.events
            expect(ours).to.include({ traceId: server?.traceId, spanId: server?.spanId })
            expect(client?.fields?.['parentSpanId']).to.equal(work?.spanContext().spanId)
            expect(echo.seen[0]?.headers['traceparent']).to.include(`${server?.traceId}-${client?.spanId}`)
          },
        )
      })
    }

    it('takes no id over from OpenTelemetry that the middleware does not trust', async () => {
      await served(
        (_req, res) => void res.end(),
        async (address) => {
          const reply = await get(address, { traceparent: TRACEPARENT })
          expect(reply.headers.get('x-trace-id'))
            .to.match(/^[0-9a-f]{32}$/)
            .and.not.equal('a'.repeat(32))
        },
        instrumented,
        (server) => server.listen(0),
        { trust: 'never' },
      )
    })

    it('takes nothing over of a span in which the server was started', async () => {
      const boot = tracer.startSpan('boot')
      const seen: unknown[] = []
      await served(
        (_req, res) => {
          seen.push(currentTraceId())
          res.end()
        },
        async (address) => {
          await get(address)
          await get(address, { traceparent: TRACEPARENT })
        },
        (server) => server,
        (server) => context.with(trace.setSpan(ROOT_CONTEXT, boot), () => server.listen(0)),
      )
      expect(seen).to.have.length(2)
      expect(seen[0]).to.be.a('string').and.not.equal(boot.spanContext().traceId)
      expect(seen[1]).to.equal('a'.repeat(32))
      boot.end()
    })
  })
}

describe('a request that is told in the flow of another one', () => {
  const provider = new BasicTracerProvider()
  const tracer = provider.getTracer('test')
  const manager = new TracelaneContextManager()
  const { openServerScope } = require('../../lib/span') as typeof import('../../lib/span')
  const { anyGetter } = require('../../lib/propagation') as typeof import('../../lib/propagation')
  const { runInScope } = require('../../lib/context') as typeof import('../../lib/context')
  const arrive = (headers: object = {}): unknown =>
    runInScope(openServerScope(headers as Record<string, unknown>, anyGetter), () => trace.getSpan(manager.active()))

  beforeEach(() => {
    context.setGlobalContextManager(manager.enable())
  })

  afterEach(() => {
    context.disable()
  })

  const inside = <R>(span: ReturnType<typeof tracer.startSpan>, fn: () => R): R =>
    manager.with(trace.setSpan(ROOT_CONTEXT, span), fn)

  it('keeps the OpenTelemetry context that was opened for it, once', () => {
    const span = tracer.startSpan('server', { kind: SpanKind.SERVER })
    inside(span, () => {
      expect(arrive()).to.equal(span)
      expect(arrive(), 'a second request').to.equal(undefined)
    })
    span.end()
  })

  it('does not get the OpenTelemetry context of the other, in its trace or out of it', () => {
    const other = tracer.startSpan('server', { kind: SpanKind.SERVER })
    inside(other, () => {
      const scope = openServerScope({}, anyGetter)
      runInScope(scope, () => {
        expect(arrive(), 'on the same connection').to.equal(undefined)
        const work = tracer.startSpan('work', {}, manager.active())
        inside(work, () => expect(arrive(), 'inside a part of its work').to.equal(undefined))
        work.end()
      })
    })
    other.end()
  })

  it('does not get one that has ended, or that contradicts its headers', () => {
    const ended = tracer.startSpan('server', { kind: SpanKind.SERVER })
    ended.end()
    inside(ended, () => expect(arrive()).to.equal(undefined))
    const wrong = tracer.startSpan('server', { kind: SpanKind.SERVER })
    inside(wrong, () => expect(arrive({ traceparent: TRACEPARENT })).to.equal(undefined))
    wrong.end()
  })
})
