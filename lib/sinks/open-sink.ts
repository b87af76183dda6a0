import { openConsoleSink } from './console'
import { openFileSink } from './file'
import type { Sink, SinkSpec } from './sink'

/** Opens a sink on this thread. Never throws: what cannot be opened is tried again at each write. */
export function openSink(spec: SinkSpec): Sink {
  switch (spec.kind) {
    case 'console':
      return openConsoleSink(spec.options)
    case 'file':
      return openFileSink(spec.options)
  }
}
