export { traceClientInterceptor } from './client'
export type { GrpcClientTraceOptions, GrpcTraceOptions } from './options'
export { traceServerInterceptor } from './server'
