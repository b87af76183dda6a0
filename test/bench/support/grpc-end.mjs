// One end of a unary gRPC call, with the tracer that the row names. Arguments: server or client, row, and the client's port.
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
  const { traceClientInterceptor, traceServerInterceptor } = require('tracelane/interceptors/grpc')
  const options = row === 'quiet' ? { spans: false } : {}
  return [end === 'client' ? traceClientInterceptor(options) : traceServerInterceptor(options)]
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
