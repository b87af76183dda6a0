export { type OtlpSinkOptions, type OtlpSinkSpec, otlpSink } from './options'
export { openOtlpSink } from './sink'
