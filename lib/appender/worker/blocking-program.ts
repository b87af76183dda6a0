import type { MessagePort } from 'node:worker_threads'
import { openSink, type SinkSpec } from '../../sinks'
import { WORD } from '../ring'
import type { FromFlushThread } from './protocol'
import { ServedRing } from './served-ring'

/*
 * To be woken costs the thread that logs a system call, and often the rest of its turn on the core. So a thread that was busy a moment ago naps and
 * looks by itself; lines wait for that no longer than a nap.
 */
const NAP_MS = 0.1
const NAPS = 20

/** Writes what comes through a ring to a sink that blocks, sleeping on the ring's bell, until it is told to stop. */
export function writeUntilStopped(
  spec: SinkSpec,
  memory: SharedArrayBuffer,
  payloads: MessagePort,
  pollMs: number,
  tell: (message: FromFlushThread) => void,
): void {
  const served = new ServedRing(memory, payloads, tell)
  const { words } = served.memory
  const sink = openSink(spec)

  const stopped = (): boolean => Atomics.load(words, WORD.stop) !== 0

  /* Sleeps until the time is up, or the main thread says stop, or is in a hurry. */
  const pause = (ms: number): boolean => {
    Atomics.wait(words, WORD.stop, 0, ms)
    return !stopped()
  }

  /* Sleeps until the bell rings, if it has not since `heard`. */
  const sleep = (heard: number, isNap: boolean): void => {
    Atomics.store(words, WORD.waiting, isNap ? 0 : 1)
    Atomics.wait(words, WORD.bell, heard, isNap ? NAP_MS : pollMs)
    Atomics.store(words, WORD.waiting, 0)
  }

  let naps = NAPS
  while (!stopped()) {
    const heard = Atomics.load(words, WORD.bell)
    if (served.step(sink, pause)) {
      naps = 0
      continue
    }
    served.tellIfReached()
    sleep(heard, naps++ < NAPS)
  }
  sink.close()
}
