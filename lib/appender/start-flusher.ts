import { complain, threadDenied } from '../diagnostics'
import { isAsyncSink, type SinkSpec } from '../sinks'
import { FlushThread } from './flush-thread'
import type { Flusher } from './flusher'
import { InProcessFlusher } from './in-process-flusher'
import { InProcessSender } from './in-process-sender'
import type { ResolvedAppenderOptions } from './options'
import type { OutsideLines } from './outside-lines'
import type { QueueMemory } from './ring'

/** Starts what brings the lines of a queue to its sink: a flush thread, or, where there shall be none or can be none, this thread. */
export function startFlusher(
  spec: SinkSpec,
  { thread, withoutThread, waitStrategy, flushIntervalMs }: ResolvedAppenderOptions,
  memory: QueueMemory,
  outside: OutsideLines,
): Flusher {
  if (!thread) {
    if (withoutThread !== undefined) threadDenied.publish({ sink: spec.kind, reason: withoutThread })
    return flusherOfThisThread(spec, memory, outside)
  }
  try {
    return new FlushThread(spec, memory, outside, waitStrategy === 'poll' ? flushIntervalMs : Infinity)
  } catch (error) {
    const reason = `no worker can be started (${(error as Error).message})`
    threadDenied.publish({ sink: spec.kind, reason })
    complain('flush-thread', `${reason}; lines are written on the thread that logs`)
    return flusherOfThisThread(spec, memory, outside)
  }
}

function flusherOfThisThread(spec: SinkSpec, memory: QueueMemory, outside: OutsideLines): Flusher {
  return isAsyncSink(spec) ? new InProcessSender(spec, memory, outside) : new InProcessFlusher(spec, memory, outside)
}
