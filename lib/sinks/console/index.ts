export { type ConsoleSinkOptions, type ConsoleSinkSpec, consoleSink, consoleStreams } from './options'
export { openConsoleSink } from './sink'
