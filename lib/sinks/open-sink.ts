import { openConsoleSink } from './console'
import { openFileSink } from './file'
import { openHttpSink } from './http'
import { openOtlpSink } from './otlp'
import { openRollingFileSink } from './rolling-file'
import type { AsyncSink, AsyncSinkSpec, Sink, SinkSpec } from './sink'

const ASYNC_KINDS: ReadonlySet<SinkSpec['kind']> = new Set<AsyncSinkSpec['kind']>(['http', 'otlp'])

/** Whether a sink answers later, and is opened by `openAsyncSink`. */
export function isAsyncSink(spec: SinkSpec): spec is AsyncSinkSpec {
  return ASYNC_KINDS.has(spec.kind)
}

/** Opens a sink that answers later. Never throws: what cannot be reached is tried again at each batch. */
export function openAsyncSink(spec: AsyncSinkSpec): AsyncSink {
  switch (spec.kind) {
    case 'http':
      return openHttpSink(spec.options)
    case 'otlp':
      return openOtlpSink(spec.options)
  }
}

/**
 * Opens a sink on this thread. Never throws: what cannot be opened is tried again at each write. A sink that answers later refuses each
 * write here.
 */
export function openSink(spec: SinkSpec): Sink {
  switch (spec.kind) {
    case 'console':
      return openConsoleSink(spec.options)
    case 'file':
      return openFileSink(spec)
    case 'rolling-file':
      return openRollingFileSink(spec.options)
    case 'http':
    case 'otlp':
      return {
        write: () => ({ outcome: 'rejected', written: 0, reason: 'this sink needs a thread with an event loop' }),
        close() {},
      }
  }
}
