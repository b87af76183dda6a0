import type { LeafSinkSpec, NetworkSinkSpec, SinkSpec } from '../sink'
import type { CircuitBreakingSpec } from './circuit-breaking'
import type { FailoverSpec } from './failover'
import type { FilteringSpec } from './filtering'
import type { RetryingSpec } from './retrying'
import type { RoutingSpec } from './routing'
import type { SpoolingSpec } from './spooling'
import type { TeeSpec } from './tee'
import type { ThrottlingSpec } from './throttling'

/** A sink that only passes on to others, as plain data. */
export type DecoratorSpec =
  | RetryingSpec
  | FailoverSpec
  | TeeSpec
  | RoutingSpec
  | FilteringSpec
  | ThrottlingSpec
  | CircuitBreakingSpec
  | SpoolingSpec

const DECORATORS: Readonly<Record<DecoratorSpec['kind'], true>> = {
  retrying: true,
  failover: true,
  tee: true,
  routing: true,
  filtering: true,
  throttling: true,
  'circuit-breaking': true,
  spooling: true,
}

const NETWORK: Readonly<Record<NetworkSinkSpec['kind'], true>> = {
  elasticsearch: true,
  http: true,
  kafka: true,
  otlp: true,
  rocketmq: true,
}

/** Whether a sink is on the network. */
export function isNetworkSink(spec: SinkSpec): spec is NetworkSinkSpec {
  return Object.hasOwn(NETWORK, spec.kind)
}

/** Whether a sink only passes on to others. */
export function isDecorated(spec: SinkSpec): spec is DecoratorSpec {
  return Object.hasOwn(DECORATORS, spec.kind)
}

/** The sinks directly below a decorator. */
export function innerSinks(spec: DecoratorSpec): readonly SinkSpec[] {
  if (spec.kind === 'tee' || spec.kind === 'failover') return spec.options.sinks
  if (spec.kind !== 'routing') return [spec.options.sink]
  const { routes, otherwise } = spec.options
  return [...routes.flatMap(({ to }) => to), ...(otherwise === 'drop' ? [] : [otherwise])]
}

/** `spec` with each sink directly below it replaced. */
export function withInnerSinks(spec: DecoratorSpec, replaced: (inner: SinkSpec) => SinkSpec): DecoratorSpec {
  if (spec.kind === 'tee' || spec.kind === 'failover') {
    return { ...spec, options: { ...spec.options, sinks: spec.options.sinks.map(replaced) } } as DecoratorSpec
  }
  if (spec.kind !== 'routing')
    return { ...spec, options: { ...spec.options, sink: replaced(spec.options.sink) } } as DecoratorSpec
  const { routes, otherwise } = spec.options
  const options = {
    ...spec.options,
    routes: routes.map((route) => ({ ...route, to: route.to.map(replaced) })),
    otherwise: otherwise === 'drop' ? otherwise : replaced(otherwise),
  }
  return { ...spec, options }
}

/** The sinks at the end of all ways through `spec`, which are itself if it is no decorator. */
export function leavesOf(spec: SinkSpec): readonly LeafSinkSpec[] {
  return isDecorated(spec) ? innerSinks(spec).flatMap(leavesOf) : [spec]
}

/** Whether there is a `spooling` in `spec`. */
export function spools(spec: SinkSpec): boolean {
  return isDecorated(spec) && (spec.kind === 'spooling' || innerSinks(spec).some(spools))
}

/** Whether a `retrying` in `spec` never gives anything back. */
export function triesForEver(spec: SinkSpec): boolean {
  if (!isDecorated(spec)) return false
  if (spec.kind === 'retrying') return spec.options.attempts === undefined && spec.options.deadlineMs === undefined
  return innerSinks(spec).some(triesForEver)
}
