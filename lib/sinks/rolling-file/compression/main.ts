import { type MessagePort, parentPort, receiveMessageOnPort, threadId, workerData } from 'node:worker_threads'
import { gzipFile } from './gzip-file'
import { type CompressionData, type MorePaths, STATE } from './protocol'

/* The program of a thread that compresses what it is given, one after the other, and ends. */

const port = parentPort as MessagePort
const { paths, state } = workerData as CompressionData
const word = new Int32Array(state)

async function compress(some: MorePaths): Promise<void> {
  for (const path of some) {
    try {
      await gzipFile(path, `${process.pid}-${threadId}`)
    } catch {
      // It stays as it is, and is tried again at the next start.
    }
  }
}

function more(): MorePaths | undefined {
  return receiveMessageOnPort(port)?.message as MorePaths | undefined
}

async function work(): Promise<void> {
  let some: MorePaths | undefined = paths
  while (some !== undefined) {
    await compress(some)
    some = more() ?? lastLook()
  }
}

/* What comes after the word is idle has another thread started with it, unless this one is faster. */
function lastLook(): MorePaths | undefined {
  Atomics.store(word, 0, STATE.idle)
  const late = more()
  if (late === undefined) return undefined
  return Atomics.compareExchange(word, 0, STATE.idle, STATE.running) === STATE.idle ? late : undefined
}

void work()
