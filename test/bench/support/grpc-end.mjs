// One end of a unary gRPC call, with the tracer that the row names. Arguments: server or client, row, and the client's port.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import { otelGrpc, startOpenTelemetry } from './peers.mjs'
import { callFor, cpuMicros, serveParent } from './runs.mjs'

const require = createRequire(import.meta.url)
const [, , end, row, port] = process.argv
const WIDTH = 20

if (row === 'otel') startOpenTelemetry(otelGrpc())
const grpc = require('@grpc/grpc-js')
const interceptors = () => {
  if (row === 'bare' || row === 'otel') return []
  if (row === 'least') return [end === 'client' ? tellsThreeHeaders : runsAndTellsTwo]
  const { traceClientInterceptor, traceServerInterceptor } = require('tracelane/interceptors/grpc')
  const options = row === 'quiet' ? { spans: false } : {}
  return [end === 'client' ? traceClientInterceptor(options) : traceServerInterceptor(options)]
}

const storage = new AsyncLocalStorage()
let told = 0

/* What a trace context says of a call, and of its reply, without any of the work behind it. */
function stamped(metadata, names) {
  const copy = metadata.clone()
  for (const name of names) copy.set(name, `00-0af7651916cd43dd8448eb211c80319c-${String(told++).padStart(16, '0')}-01`)
  return copy
}

function tellsThreeHeaders(options, nextCall) {
  const call = nextCall(options)
  const { start } = call
  call.start = (metadata, listener) => start.call(call, stamped(metadata, ['traceparent', 'tracestate', 'clock']), listener)
  return call
}

function runsAndTellsTwo(_method, next) {
  const { start, sendMetadata } = next
  const store = {}
  next.start = (listener) =>
    start.call(next, { ...listener, onReceiveHalfClose: () => storage.run(store, () => listener.onReceiveHalfClose()) })
  next.sendMetadata = (metadata) => sendMetadata.call(next, stamped(metadata, ['x-trace-id', 'clock']))
  return next
}

const same = (bytes) => bytes
const Echo = {
  Echo: {
    path: '/bench.Echo/Echo',
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  },
}

if (end === 'server') serve()
else call()

function serve() {
  const server = new grpc.Server({ interceptors: interceptors() })
  server.addService(Echo, { Echo: ({ request }, done) => done(null, request) })
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => {
    if (error) throw error
    serveParent(bound, () => cpuMicros())
  })
}

function call() {
  const Client = grpc.makeGenericClientConstructor(Echo, 'bench.Echo')
  const client = new Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { interceptors: interceptors() })
  const message = Buffer.alloc(64, 'x')
  const once = () =>
    new Promise((resolve, reject) => client.Echo(message, (error, reply) => (error ? reject(error) : resolve(reply))))
  serveParent('ready', async ({ seconds }) => {
    const before = cpuMicros()
    const result = await callFor(seconds, WIDTH, once)
    return { ...result, cpu: (cpuMicros() - before) / result.count }
  })
}
