import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { isAsyncSink, openAsyncSink } from '../../sinks'
import { writeUntilStopped } from './blocking-program'
import { FrameSender } from './frame-sender'
import { type FlushThreadData, type FromFlushThread, STOP, type ToFlushThread } from './protocol'
import { textOf } from './served-ring'

/* The program of the flush thread. It never looks at a trace context: a frame says all there is to say. See protocol.ts. */

const port = parentPort as MessagePort
const { sink: spec, memory, payloads, pollMs, instance } = workerData as FlushThreadData

function tell(message: FromFlushThread): void {
  port.postMessage(message)
}

if (isAsyncSink(spec)) {
  const sender = new FrameSender(memory, (payload) => textOf(payloads, payload), openAsyncSink(spec), instance, tell)
  port.on('message', (message: ToFlushThread) => {
    if (message === STOP) sender.stop()
    else sender.ring()
  })
  void sender.run().then(() => port.close())
} else writeUntilStopped(spec, memory, payloads, pollMs, tell)
