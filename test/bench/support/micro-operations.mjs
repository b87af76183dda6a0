// The operations of micro.mjs. `prepare` gives a function of no arguments; `peer` names the operation that it is compared with.
import { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { Duplex } from 'node:stream'

const require = createRequire(import.meta.url)
const core = () => require('../../../dist/core.js')
const otel = () => ({
  ...require('@opentelemetry/api'),
  ...require('@opentelemetry/core'),
  ...require('@opentelemetry/sdk-trace-base'),
})

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const TRACESTATE = 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7'
/* What a request has: four headers, of which one or two are ours to read. */
const ORDINARY = { host: 'shop.test', accept: '*/*', 'user-agent': 'bench', connection: 'keep-alive' }
const ALONE = { ...ORDINARY, traceparent: TRACEPARENT }
const WITH_STATE = { ...ALONE, tracestate: TRACESTATE }

const otelExtract = (headers) => () => {
  const { W3CTraceContextPropagator, ROOT_CONTEXT, defaultTextMapGetter } = otel()
  const propagator = new W3CTraceContextPropagator()
  return () => propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
}

const ourExtract = (headers) => () => {
  const { extractTrace } = core()
  return () => extractTrace(headers)
}

const otelInject = (headers) => () => {
  const { W3CTraceContextPropagator, ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter } = otel()
  const propagator = new W3CTraceContextPropagator()
  const context = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter)
  return () => {
    const carrier = {}
    propagator.inject(context, carrier, defaultTextMapSetter)
    return carrier
  }
}

/* injectTrace() makes a new span as well, which OpenTelemetry's propagator does not. */
const ourInjectTrace = (headers) => () => {
  const { extractTrace, injectTrace, runWithTrace } = core()
  const parent = extractTrace(headers)
  return { batch: (times) => runWithTrace(parent, () => repeat(() => injectTrace({}), times)) }
}

const ourInject = (headers) => () => {
  const { extractTrace, injectInto, recordSetter } = core()
  const context = extractTrace(headers)
  return () => {
    const carrier = {}
    injectInto(context, carrier, recordSetter)
    return carrier
  }
}

/* The propagator that does what OpenTelemetry's does, traceparent and tracestate, and the clock; with a getter and setter as short as theirs. */
const ourExtractAlone = (headers) => () => {
  const { w3cTraceContext } = core()
  const getter = { get: (carrier, key) => carrier[key] }
  return () => w3cTraceContext.extract(headers, getter)
}

const ourInjectAlone = (headers) => () => {
  const { extractTrace, w3cTraceContext } = core()
  const context = extractTrace(headers)
  const setter = { set: (carrier, key, value) => (carrier[key] = value) }
  return () => {
    const carrier = {}
    w3cTraceContext.inject(context, carrier, setter)
    return carrier
  }
}

function repeat(operation, times) {
  for (let i = 0; i < times; i++) if (operation() === undefined) throw new Error('no result')
}

const socket = Object.assign(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }), { bytesWritten: 0 })

/* Node's own request and response, on a socket that leads nowhere; the headers are parsed, as Express reads them anyway. */
function exchange(headers) {
  const req = new IncomingMessage(socket)
  Object.assign(req, { method: 'GET', url: '/orders/7', httpVersionMajor: 1, httpVersionMinor: 1 })
  req.headers = headers
  const res = new ServerResponse(req)
  res.socket = socket
  return { req, res }
}

/* The end comes from inside the request, as it does when a handler answers. */
function serve(middleware, { req, res }) {
  middleware(req, res, () => {
    res.setHeader('content-type', 'text/plain')
    res.emit('finish')
    res.emit('close')
    req.emit('close')
  })
  return res
}

export const operations = {
  'OpenTelemetry, trace id': { prepare: () => idsOf().generateTraceId },
  'trace id': { prepare: () => core().newTraceId, peer: 'OpenTelemetry, trace id' },
  'OpenTelemetry, span id': { prepare: () => idsOf().generateSpanId },
  'span id': { prepare: () => core().newSpanId, peer: 'OpenTelemetry, span id' },
  'OpenTelemetry, parseTraceParent()': {
    prepare() {
      const { parseTraceParent } = otel()
      return () => parseTraceParent(TRACEPARENT)
    },
  },
  'parse a traceparent': {
    prepare() {
      const { parseTraceParent } = core()
      return () => parseTraceParent(TRACEPARENT)
    },
    peer: 'OpenTelemetry, parseTraceParent()',
  },
  'format a traceparent': {
    prepare() {
      const { formatTraceParent } = core()
      return () => formatTraceParent('0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331', 1)
    },
  },
  'OpenTelemetry, extract': { prepare: otelExtract(ALONE) },
  'w3cTraceContext.extract()': { prepare: ourExtractAlone(ALONE), peer: 'OpenTelemetry, extract' },
  'extractTrace()': { prepare: ourExtract(ALONE), peer: 'OpenTelemetry, extract' },
  'OpenTelemetry, extract with a tracestate': { prepare: otelExtract(WITH_STATE) },
  'w3cTraceContext.extract() with a tracestate': {
    prepare: ourExtractAlone(WITH_STATE),
    peer: 'OpenTelemetry, extract with a tracestate',
  },
  'extractTrace() with a tracestate': { prepare: ourExtract(WITH_STATE), peer: 'OpenTelemetry, extract with a tracestate' },
  'OpenTelemetry, inject': { prepare: otelInject(ALONE) },
  'w3cTraceContext.inject()': { prepare: ourInjectAlone(ALONE), peer: 'OpenTelemetry, inject' },
  'inject, as the interceptors do it': { prepare: ourInject(ALONE), peer: 'OpenTelemetry, inject' },
  'injectTrace(), with its new span': { prepare: ourInjectTrace(ALONE), peer: 'OpenTelemetry, inject' },
  'OpenTelemetry, inject with a tracestate': { prepare: otelInject(WITH_STATE) },
  'w3cTraceContext.inject() with a tracestate': {
    prepare: ourInjectAlone(WITH_STATE),
    peer: 'OpenTelemetry, inject with a tracestate',
  },
  'inject with a tracestate': { prepare: ourInject(WITH_STATE), peer: 'OpenTelemetry, inject with a tracestate' },
  'currentTraceId()': {
    prepare() {
      const { currentTraceId, runWithTrace } = core()
      return { batch: (times) => runWithTrace(() => repeat(currentTraceId, times)) }
    },
  },
  'AsyncLocalStorage.run() alone': {
    prepare() {
      const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks')
      const als = new AsyncLocalStorage()
      return () => als.run(ALONE, () => true)
    },
  },
  'runWithTrace()': {
    prepare() {
      const { runWithTrace } = core()
      return () => runWithTrace(() => true)
    },
  },
  'withSpan(), nobody subscribes': {
    prepare() {
      const { withSpan } = core()
      return () => withSpan('work', () => true)
    },
  },
  'a request and its response without a connection, no middleware': {
    prepare: () => () => serve((_req, _res, next) => next(), exchange(ORDINARY)),
  },
  'the same with traceMiddleware({ spans: false })': {
    prepare() {
      const middleware = require('tracelane/middleware/express').traceMiddleware({ spans: false })
      return () => serve(middleware, exchange(ORDINARY))
    },
  },
  "the same with a caller's traceparent": {
    prepare() {
      const middleware = require('tracelane/middleware/express').traceMiddleware({ spans: false })
      return () => serve(middleware, exchange(ALONE))
    },
  },
}

function idsOf() {
  return new (otel().RandomIdGenerator)()
}
