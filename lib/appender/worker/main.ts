import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openSink } from '../../sinks'
import { WORD } from '../ring'
import type { FlushThreadData } from './protocol'
import { ServedRing } from './served-ring'

/* The program of the flush thread. It never looks at a trace context: a frame says all there is to say. See protocol.ts. */

const port = parentPort as MessagePort
const { sink: spec, memory, payloads, pollMs } = workerData as FlushThreadData
const served = new ServedRing(memory, payloads, (message) => port.postMessage(message))
const { words } = served.memory

function stopped(): boolean {
  return Atomics.load(words, WORD.stop) !== 0
}

/* Sleeps until the time is up, or the main thread says stop, or is in a hurry. */
function pause(ms: number): boolean {
  Atomics.wait(words, WORD.stop, 0, ms)
  return !stopped()
}

/*
 * To be woken costs the thread that logs a system call, and often the rest of its turn on the core. So a thread that was busy a moment ago naps and
 * looks by itself; lines wait for that no longer than a nap.
 */
const NAP_MS = 0.1
const NAPS = 20

/* Sleeps until the bell rings, if it has not since `heard`. */
function sleep(heard: number, isNap: boolean): void {
  Atomics.store(words, WORD.waiting, isNap ? 0 : 1)
  Atomics.wait(words, WORD.bell, heard, isNap ? NAP_MS : pollMs)
  Atomics.store(words, WORD.waiting, 0)
}

const sink = openSink(spec)
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
