// Turns on, in this process, the tracer that a row names. Must be called before the libraries that it watches are loaded.
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/* Spans are made, batched and given to an exporter that drops them: what goes over a network is no part of the comparison. */
export function startOpenTelemetry(...instrumentations) {
  const { NodeTracerProvider, BatchSpanProcessor } = require('@opentelemetry/sdk-trace-node')
  const { registerInstrumentations } = require('@opentelemetry/instrumentation')
  const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => undefined }
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
  provider.register()
  registerInstrumentations({ tracerProvider: provider, instrumentations })
}

export function startDatadog() {
  require('dd-trace').init({ startupLogs: false, url: `http://127.0.0.1:${process.env.BENCH_AGENT}` })
}

export const otelHttp = () => new (require('@opentelemetry/instrumentation-http').HttpInstrumentation)()
export const otelExpress = () => new (require('@opentelemetry/instrumentation-express').ExpressInstrumentation)()
export const otelGrpc = () => new (require('@opentelemetry/instrumentation-grpc').GrpcInstrumentation)()
