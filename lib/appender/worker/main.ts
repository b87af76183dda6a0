import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { isAsyncSink, openAsyncSink, type ReplayOutcomes } from '../../sinks'
import { ACCOUNT, countOutcomes, QueueMemory } from '../ring'
import { writeUntilStopped } from './blocking-program'
import { FrameSender } from './frame-sender'
import { type FlushThreadData, type FromFlushThread, HURRY, type OutsideLine, STOP, type ToFlushThread } from './protocol'

/* The program of the flush thread. It never looks at a trace context: a frame says all there is to say. See protocol.ts. */

const port = parentPort as MessagePort
const data = workerData as FlushThreadData

function tell(message: FromFlushThread): void {
  port.postMessage(message)
}

/* The text of a line that is too large for the ring; the thread that logs has sent it before the frame that stands for it. */
function textOf(inbox: MessagePort, wanted: number): string | undefined {
  for (;;) {
    const message = receiveMessageOnPort(inbox)?.message as OutsideLine | undefined
    if (message === undefined || message.payload === wanted) return message?.text
  }
}

const { sink: spec } = data
if (isAsyncSink(spec)) {
  const { memory, inbox, instance, spill } = data
  const queue = new QueueMemory(memory)
  const onTrouble = (failure: string): void => {
    queue.count(ACCOUNT.retried, 1)
    tell({ failure, retried: true })
  }
  const onReplayed = (outcomes: ReplayOutcomes): void => countOutcomes(queue, { ...outcomes, spooled: 0 })
  const sink = openAsyncSink(spec, { onTrouble, onReplayed })
  const sender = new FrameSender(memory, (payload) => textOf(inbox, payload), sink, instance, tell, spill)
  port.on('message', (message: ToFlushThread) => {
    if (message === STOP) sender.stop()
    else if (message === HURRY) sender.hurry()
    else sender.ring()
  })
  void sender.run().then(() => port.close())
} else writeUntilStopped(data, tell)
