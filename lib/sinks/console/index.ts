export { type ConsoleSinkOptions, type ConsoleSinkSpec, consoleSink } from './options'
export { openConsoleSink } from './sink'
