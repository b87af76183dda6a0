import { openConsoleSink } from './console'
import {
  BlockingSink,
  isDecorated,
  isNetworkSink,
  type Opening,
  openDecorator,
  type ReplayOutcomes,
  sendingOf,
  systemTiming,
  type Timing,
} from './decorators'
import { openElasticsearchSink } from './elasticsearch'
import { openFileSink } from './file'
import { openHttpSink } from './http'
import { openKafkaSink } from './kafka'
import { openOtlpSink } from './otlp'
import { openRocketmqSink } from './rocketmq'
import { openRollingFileSink } from './rolling-file'
import type { AsyncSink, AsyncSinkSpec, NetworkSinkSpec, Sink, SinkSpec } from './sink'

/** Whether a sink answers later, and is opened by `openAsyncSink`. */
export function isAsyncSink(spec: SinkSpec): spec is AsyncSinkSpec {
  return isDecorated(spec) || isNetworkSink(spec)
}

/** Whether a sink writes files of ours, so that it can say when an event is with the operating system, or on the disk. */
export function isFileSink({ kind }: SinkSpec): boolean {
  return kind === 'file' || kind === 'rolling-file'
}

/** What `openAsyncSink` is told beside the sink. */
export interface AsyncSinkPlace {
  /** Hears, for people, that something was tried in vain and is tried again inside of the sink. @default nobody */
  readonly onTrouble?: (reason: string) => void
  /** Hears what events came to that were sent from a spool. @default nobody */
  readonly onReplayed?: (outcomes: ReplayOutcomes) => void
  /** Time and chance. @default those of this thread */
  readonly timing?: Timing
}

/** Opens a sink that answers later. Never throws: what cannot be reached is tried again at each batch. */
export function openAsyncSink(spec: AsyncSinkSpec, place: AsyncSinkPlace = {}): AsyncSink {
  const { onTrouble = () => undefined, onReplayed = () => undefined, timing = systemTiming } = place
  const openingOf = (takesBack: boolean): Opening => ({
    ...{ timing, takesBack, onTrouble, onReplayed },
    open: (inner, innerTakesBack = takesBack) => openBelow(inner, openingOf(innerTakesBack)),
  })
  const sink = openBelow(spec, openingOf(false))
  if (!isDecorated(spec)) return sink
  return {
    sending: sendingOf(spec),
    ...(sink.prepare === undefined ? {} : { prepare: (batch) => sink.prepare?.(batch) }),
    send: (batch) => sink.send(batch),
    close: () => sink.close(),
  }
}

function openBelow(spec: SinkSpec, opening: Opening): AsyncSink {
  if (isDecorated(spec)) return openDecorator(spec, opening)
  return isNetworkSink(spec) ? openNetworkSink(spec) : new BlockingSink(openSink(spec), opening.timing)
}

function openNetworkSink(spec: NetworkSinkSpec): AsyncSink {
  switch (spec.kind) {
    case 'elasticsearch':
      return openElasticsearchSink(spec.options)
    case 'http':
      return openHttpSink(spec.options)
    case 'kafka':
      return openKafkaSink(spec.options)
    case 'otlp':
      return openOtlpSink(spec.options)
    case 'rocketmq':
      return openRocketmqSink(spec.options)
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
    default:
      return {
        write: () => ({ outcome: 'rejected', written: 0, reason: 'this sink needs a thread with an event loop' }),
        close() {},
      }
  }
}
