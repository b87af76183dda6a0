export type { ConsoleLike } from './patch'
export { type RouteConsoleOptions, routeConsole } from './route'
export { traceConsole } from './trace'
