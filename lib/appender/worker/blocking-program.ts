import { readlinkSync } from 'node:fs'
import { receiveMessageOnPort } from 'node:worker_threads'
import { openSink } from '../../sinks'
import { OWNER, WORD } from '../ring'
import { type FlushThreadData, type FromFlushThread, OWN_RING, type ToInbox } from './protocol'
import { ServedRing } from './served-ring'

/*
 * To be woken costs the thread that logs a system call, and often the rest of its turn on the core. So a thread that was busy a moment ago naps and
 * looks by itself; lines wait for that no longer than a nap.
 */
const NAP_MS = 0.1
const NAPS = 20
/* How long it sleeps at most while a ring cannot be served though something lies in it. */
const STUCK_MS = 1_000

/**
 * Writes what comes through a ring, and through those of other isolates that it is told of, to a sink that blocks, sleeping on the first one's
 * bell, until it is told to stop.
 */
export function writeUntilStopped(
  { sink: spec, memory, inbox, pollMs, spill }: FlushThreadData,
  tell: (message: FromFlushThread) => void,
): void {
  /* Takes what the main thread has sent. */
  const listen = (): void => {
    for (;;) {
      const message = receiveMessageOnPort(inbox)?.message as ToInbox | undefined
      if (message === undefined) return
      if ('serve' in message) rings.set(message.serve, new ServedRing(message.memory, OWNER.host, listen, tell))
      else if ('leave' in message) rings.delete(message.leave)
      else rings.get(message.ring)?.keep(message.payload, message.text)
    }
  }
  const own = new ServedRing(memory, OWNER.flush, listen, tell, spill)
  const rings = new Map([[OWN_RING, own]])
  const { words } = own.memory
  const sink = openSink(spec)

  const stopped = (): boolean => Atomics.load(words, WORD.stop) !== 0

  /* Sleeps until the time is up, or the main thread says stop, or is in a hurry. */
  const pause = (ms: number): boolean => {
    Atomics.wait(words, WORD.stop, 0, ms)
    return !stopped()
  }

  /* Sleeps until the bell rings, if it has not since `heard`. */
  const sleep = (heard: number, isNap: boolean): void => {
    const isStuck = rings.size > 1 && [...rings.values()].some((ring) => ring !== own && !ring.isEmpty)
    Atomics.store(words, WORD.waiting, isNap ? 0 : 1)
    Atomics.wait(words, WORD.bell, heard, isNap ? NAP_MS : isStuck ? Math.min(pollMs, STUCK_MS) : pollMs)
    Atomics.store(words, WORD.waiting, 0)
  }

  Atomics.store(words, WORD.thread, threadNumber())
  let naps = NAPS
  while (!stopped()) {
    const heard = Atomics.load(words, WORD.bell)
    Atomics.store(words, WORD.running, 1)
    listen()
    let isBusy = false
    // In turn, so that an isolate that logs without a pause keeps no other one waiting.
    for (const ring of rings.values()) if (!stopped() && ring.step(sink, pause)) isBusy = true
    if (isBusy) {
      naps = 0
      continue
    }
    for (const ring of rings.values()) ring.tellIfReached()
    sleep(heard, naps++ < NAPS)
  }
  sink.close()
}

/* `4711/task/4720`: so that the main thread can see that this one is dead while its own event loop does not turn. */
function threadNumber(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/')[2] ?? 0)
  } catch {
    return 0
  }
}
