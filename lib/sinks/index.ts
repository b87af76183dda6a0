export { type ConsoleSinkOptions, type ConsoleSinkSpec, consoleSink } from './console'
export { type FileSinkOptions, type FileSinkSpec, fileSink } from './file'
export { openSink } from './open-sink'
export type { Pause, SendResult, Sink, SinkSpec } from './sink'
