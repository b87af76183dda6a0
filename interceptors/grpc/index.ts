export { traceClientInterceptor } from './client'
export type { GrpcCaller, GrpcClientTraceOptions, GrpcServerTraceOptions, GrpcTraceOptions } from './options'
export { traceServerInterceptor } from './server'
