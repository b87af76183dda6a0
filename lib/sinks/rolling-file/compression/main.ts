import { setTimeout as wait } from 'node:timers/promises'
import { type MessagePort, parentPort, receiveMessageOnPort, threadId, workerData } from 'node:worker_threads'
import { gzipFile } from './gzip-file'
import { type CompressionData, type Paths, STATE } from './protocol'

/* The program of a thread that compresses what it is given, one after the other, and ends. */

const port = parentPort as MessagePort
const { first, state } = workerData as CompressionData
const word = new Int32Array(state)

async function compress({ paths, waitMs }: Paths): Promise<void> {
  if (waitMs > 0) await wait(waitMs)
  for (const path of paths) {
    try {
      await gzipFile(path, `${process.pid}-${threadId}`)
    } catch {
      // It stays as it is, and is tried again at the next start.
    }
  }
}

function more(): Paths | undefined {
  return receiveMessageOnPort(port)?.message as Paths | undefined
}

async function work(): Promise<void> {
  let some: Paths | undefined = first
  while (some !== undefined) {
    await compress(some)
    some = more() ?? lastLook()
  }
}

/* What comes after the word is idle has another thread started with it, unless this one is faster. */
function lastLook(): Paths | undefined {
  Atomics.store(word, 0, STATE.idle)
  const late = more()
  if (late === undefined) return undefined
  return Atomics.compareExchange(word, 0, STATE.idle, STATE.running) === STATE.idle ? late : undefined
}

void work()
