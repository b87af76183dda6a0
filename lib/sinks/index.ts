export { type ConsoleSinkOptions, type ConsoleSinkSpec, consoleSink, consoleStreams } from './console'
export { destinationOf } from './destination'
export { askToReopen, type FileSinkOptions, type FileSinkSpec, fileSink } from './file'
export type { FileMode } from './file-mode'
export { type HttpBodyOptions, type HttpSinkOptions, type HttpSinkSpec, type HttpTlsOptions, httpSink } from './http'
export { isAsyncSink, openAsyncSink, openSink } from './open-sink'
export { type OtlpSinkOptions, type OtlpSinkSpec, otlpSink } from './otlp'
export { readSink, sinkRule } from './read-sink'
export { type RollingFileSinkOptions, type RollingFileSinkSpec, rollingFileSink } from './rolling-file'
export { resolveSending, type SendingOptions, sendingRules } from './sending-options'
export {
  type AsyncSink,
  type AsyncSinkSpec,
  type BatchEvent,
  type BatchResult,
  type BlockingSinkSpec,
  type Pause,
  type Rows,
  type SendResult,
  type Sink,
  type SinkBatch,
  type SinkSpec,
  withoutLayout,
} from './sink'
