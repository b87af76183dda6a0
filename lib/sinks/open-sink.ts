import { openConsoleSink } from './console'
import { openFileSink } from './file'
import { openHttpSink } from './http'
import { openRollingFileSink } from './rolling-file'
import type { AsyncSink, AsyncSinkSpec, Sink, SinkSpec } from './sink'

/** Whether a sink answers later, and is opened by `openAsyncSink`. */
export function isAsyncSink(spec: SinkSpec): spec is AsyncSinkSpec {
  return spec.kind === 'http'
}

/** Opens a sink that answers later. Never throws: what cannot be reached is tried again at each batch. */
export function openAsyncSink({ options }: AsyncSinkSpec): AsyncSink {
  return openHttpSink(options)
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
      return openFileSink(spec.options)
    case 'rolling-file':
      return openRollingFileSink(spec.options)
    case 'http':
      return {
        write: () => ({ outcome: 'rejected', written: 0, reason: 'this sink needs a thread with an event loop' }),
        close() {},
      }
  }
}
