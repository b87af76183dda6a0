import { complain, threadDenied } from '../diagnostics'
import { workerThreads } from '../internal/builtin'
import { isAsyncSink, type SinkSpec } from '../sinks'
import { FlushThread } from './flush-thread'
import type { Flusher, OwnFlusher } from './flusher'
import { InProcessFlusher } from './in-process-flusher'
import { GuestFlusher } from './isolates/guest-flusher'
import type { ResolvedAppenderOptions } from './options'
import type { OutsideLines } from './outside-lines'
import type { QueueMemory } from './ring'
import type { SpillPlace } from './spill-place'

/** Starts what brings the lines of a queue to its sink: a flush thread, or, where there shall be none or can be none, this thread. */
export function startFlusher(
  spec: SinkSpec,
  { thread, withoutThread, waitStrategy, flushIntervalMs }: ResolvedAppenderOptions,
  memory: QueueMemory,
  outside: OutsideLines,
  spill?: SpillPlace,
): Flusher {
  if (!thread) {
    if (withoutThread !== undefined) threadDenied.publish({ sink: spec.kind, reason: withoutThread })
    return flusherOfThisThread(spec, memory, outside, spill)
  }
  const pollMs = waitStrategy === 'poll' ? flushIntervalMs : Infinity
  // An answer that comes later is for the event loop of the thread that asked, so such a sink is not shared.
  if (isAsyncSink(spec))
    return startThread(spec, memory, outside, pollMs, spill) ?? flusherOfThisThread(spec, memory, outside, spill)
  const startOwn = (): OwnFlusher =>
    startThread(spec, memory, outside, pollMs, spill) ?? new InProcessFlusher(spec, memory, outside, spill)
  // Who serves the ring of another isolate does not know its spool.
  return workerThreads().isMainThread || spill !== undefined ? startOwn() : new GuestFlusher(spec, memory, outside, startOwn)
}

function startThread(
  spec: SinkSpec,
  memory: QueueMemory,
  outside: OutsideLines,
  pollMs: number,
  spill: SpillPlace | undefined,
): FlushThread | undefined {
  try {
    return new FlushThread(spec, memory, outside, pollMs, spill)
  } catch (error) {
    const reason = `no worker can be started (${(error as Error).message})`
    threadDenied.publish({ sink: spec.kind, reason })
    complain('flush-thread', `${reason}; lines are written on the thread that logs`)
    return undefined
  }
}

function flusherOfThisThread(spec: SinkSpec, memory: QueueMemory, outside: OutsideLines, spill: SpillPlace | undefined): Flusher {
  if (!isAsyncSink(spec)) return new InProcessFlusher(spec, memory, outside, spill)
  // All sinks on the network and all decorators, in a file of their own (build.mjs): nearly nobody sends from this thread, and to read them takes milliseconds.
  const { InProcessSender } = require('./in-process-sender') as typeof import('./in-process-sender')
  return new InProcessSender(spec, memory, outside, spill)
}
