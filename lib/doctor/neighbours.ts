import { otherTracer } from '../context'
import { thisFile } from '../internal/runtime'
import { type Finding, finding } from './finding'
import { installed, isBelow, loadedDoors, loadedPackages, manifestAbove } from './packages'

/* Which way into the kit needs which of its peerDependencies. */
const NEEDS: Readonly<Record<string, string>> = { grpc: '@grpc/grpc-js', otel: '@opentelemetry/api' }

/** What stands beside the kit: its peers, other tracers, and loggers and clients that nobody has given a trace. */
export function neighbourFindings(): readonly Finding[] {
  const doors = loadedDoors()
  return [...peerFindings(doors), ...openTelemetryFindings(), ...tracerFindings(), ...unusedFindings(doors)]
}

function peerFindings(doors: ReadonlySet<string>): Finding[] {
  const peers = manifestAbove(thisFile)?.peerDependencies ?? {}
  return Object.entries(NEEDS).flatMap(([door, name]) => {
    const range = peers[name]
    if (range === undefined || !doors.has(door)) return []
    const version = installed(name, process.cwd())?.version
    if (version === undefined) {
      const message = `A part of tracelane that needs ${name} is loaded, but ${name} is not installed in ${process.cwd()} or above.`
      return [finding('PEER_MISSING', { message, cure: `npm install ${name}`, where: name })]
    }
    if (!isBelow(version, range)) return []
    const message = `${name} is ${version}; tracelane needs ${range}.`
    return [finding('PEER_TOO_OLD', { message, cure: `npm install ${name}@latest`, where: name })]
  })
}

interface OtelGlobal {
  readonly trace?: unknown
  readonly context?: { readonly constructor?: { readonly name?: string } }
}

const OTEL = Symbol.for('opentelemetry.js.api.1')

function openTelemetryFindings(): Finding[] {
  const api = (globalThis as { [OTEL]?: OtelGlobal })[OTEL]
  if (api?.trace === undefined) return []
  const manager = api.context?.constructor?.name
  const hasOurs = manager === 'TracelaneContextManager'
  const isBridged = hasOurs || otherTracer.view !== undefined
  if (!isBridged && otherTracer.arrive === undefined) {
    return [
      finding('OTEL_NOT_BRIDGED', {
        message:
          'An OpenTelemetry SDK is registered, and nothing joins it to tracelane: lines and spans of one request have two trace ids.',
        cure: 'Call useOpenTelemetryIds() of tracelane/otel, or register the SDK with its TracelaneContextManager; see docs/guides/opentelemetry.md.',
      }),
    ]
  }
  if (hasOurs || isBridged || manager === undefined) return []
  return [
    finding('OTEL_SECOND_MANAGER', {
      message: `A TracelaneContextManager was made, but the context manager that OpenTelemetry uses is ${manager}: the one that was registered first stays.`,
      cure: 'Register the SDK once, with { contextManager: new TracelaneContextManager() }.',
    }),
  ]
}

const TRACERS = ['cls-hooked', 'cls-rtracer', 'dd-trace', 'elastic-apm-node', 'express-http-context', 'newrelic', 'nestjs-cls']

function tracerFindings(): Finding[] {
  return loadedPackages(TRACERS).map((name) =>
    finding('OTHER_TRACER', {
      message: `${name} is loaded too; it keeps a context of its own, and its ids are not those of tracelane.`,
      cure:
        name === 'cls-hooked'
          ? 'Replace it, as docs/guides/from-cls-hooked.md says.'
          : 'Keep one of the two, unless you use the other for something else than ids of requests.',
      where: name,
    }),
  )
}

const LOGGERS: Readonly<Record<string, string>> = {
  pino: 'traceMixin',
  winston: 'traceMeta() or attachTrace()',
  bunyan: 'tracelaneStream()',
  log4js: 'traceTokens or the appender',
}

function unusedFindings(doors: ReadonlySet<string>): Finding[] {
  // Fastify loads pino whatever its logger is.
  const isIdle = (name: string): boolean => name === 'pino' && doors.has('fastify-logger')
  const loggers = loadedPackages(Object.keys(LOGGERS)).filter((name) => !doors.has(name) && !isIdle(name))
  const unused = loggers.map((name) =>
    finding('ADAPTER_UNUSED', {
      message: `${name} is loaded, but tracelane/adapters/${name} is not: its lines have no trace id.`,
      cure: `Give ${name} ${LOGGERS[name]} of tracelane/adapters/${name}; see docs/guides/loggers.md.`,
      where: name,
    }),
  )
  if (doors.has('grpc') || loadedPackages(['@grpc/grpc-js']).length === 0) return unused
  const message = '@grpc/grpc-js is loaded, but tracelane/interceptors/grpc is not: gRPC calls carry no trace.'
  const cure = 'Add traceClientInterceptor() and traceServerInterceptor(); see docs/guides/calls.md.'
  return [...unused, finding('INTERCEPTOR_UNUSED', { message, cure, where: '@grpc/grpc-js' })]
}
