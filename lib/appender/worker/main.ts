import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { openSink } from '../../sinks'
import { CONTROL, type FlushThreadData, type FromFlushThread, OWNER, type ToFlushThread } from './protocol'
import { writeNext } from './write-next'

/* The program of the flush thread. It never looks at a trace context: a line says all there is to say. See protocol.ts. */

const port = parentPort as MessagePort
const { sink: spec, control: shared } = workerData as FlushThreadData
const control = new Int32Array(shared)
const sink = openSink(spec)

function stopped(): boolean {
  return Atomics.load(control, CONTROL.stop) !== 0
}

/* Sleeps until the time is up, or the main thread says stop, or is in a hurry. */
function pause(ms: number): boolean {
  Atomics.wait(control, CONTROL.stop, 0, ms)
  return !stopped()
}

function tell(message: FromFlushThread): void {
  port.postMessage(message)
}

function lock(): boolean {
  while (!stopped()) {
    const owner = Atomics.compareExchange(control, CONTROL.owner, OWNER.free, OWNER.flush)
    if (owner === OWNER.free) return true
    Atomics.wait(control, CONTROL.owner, owner)
  }
  return false
}

function unlock(): void {
  Atomics.store(control, CONTROL.owner, OWNER.free)
  Atomics.notify(control, CONTROL.owner)
}

function writeBatch(batch: number, text: string, events: number): void {
  if (!lock()) return
  if (batch === Atomics.load(control, CONTROL.resolved)) {
    const delivery = writeNext(control, sink, { text, events }, pause, (failure) => tell({ failure, retried: true }))
    if (delivery.outcome === 'refused') tell({ failure: delivery.reason, retried: false })
    Atomics.notify(control, CONTROL.resolved)
  }
  unlock()
}

port.on('message', (message: ToFlushThread) => {
  if ('flush' in message) tell({ flushed: message.flush })
  else writeBatch(message.batch, message.text, message.events)
})
