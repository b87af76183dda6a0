export { traceClientInterceptor } from './client'
export type { GrpcCaller, GrpcClientTraceOptions, GrpcServerTraceOptions } from './options'
export { traceServerInterceptor } from './server'
