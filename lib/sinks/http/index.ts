export { type HttpBodyOptions, type HttpSinkOptions, type HttpSinkSpec, httpSink } from './options'
export { openHttpSink } from './sink'
export type { HttpTlsOptions } from './tls'
