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

/* Sleeps until the bell rings, if it has not since `heard`. */
function sleep(heard: number): void {
  Atomics.store(words, WORD.waiting, 1)
  Atomics.wait(words, WORD.bell, heard, pollMs)
  Atomics.store(words, WORD.waiting, 0)
}

const sink = openSink(spec)
while (!stopped()) {
  const heard = Atomics.load(words, WORD.bell)
  if (served.step(sink, pause)) continue
  served.tellIfReached()
  sleep(heard)
}
sink.close()
