export { traceClientInterceptor } from './client'
export type { GrpcTraceOptions } from './options'
export { traceServerInterceptor } from './server'
