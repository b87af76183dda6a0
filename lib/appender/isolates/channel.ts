import type { BroadcastChannel, MessagePort } from 'node:worker_threads'
import { runOutside } from '../../context'
import { workerThreads } from '../../internal/builtin'
import { programVersion } from '../worker/source'

/** A line that is too large for the ring of an isolate, with the number that its frame has. */
export interface GuestLine {
  readonly payload: number
  readonly text: string
  /** No frame of an earlier such line ends behind this position of the ring. */
  readonly after: number
}

/*
 *       isolate (a worker_thread that logs)                               main thread, for each of its flush threads
 *   announced: here is my ring, for this sink     ───────────────────────▶  my sink? SERVER = host, the flush thread is told
 *   a line that is larger than the ring           ───────────────────────▶  kept until resolved, passed on
 *   rings this bell from now on                   ◀─────────────────────── accepted: here is the bell of my flush thread
 *   announces itself again when it logs           ◀── SERVER = none ─────── the ring is empty and was quiet for a while
 *   announces itself again                        ◀── dismissed ─────────── the flush thread ends
 *   announces itself again if nobody has it       ◀── opened ────────────── there is a flush thread for this sink now
 */

/** What isolates tell those that have flush threads. */
export type ToHosts =
  | {
      readonly kind: 'announced'
      readonly ring: string
      readonly sink: string
      readonly memory: SharedArrayBuffer
      readonly lines: readonly GuestLine[]
    }
  | { readonly kind: 'line'; readonly ring: string; readonly line: GuestLine }

/** The answers, which all isolates hear. */
export type ToGuests =
  | { readonly kind: 'opened'; readonly sink: string }
  | { readonly kind: 'accepted'; readonly ring: string; readonly bell: SharedArrayBuffer }
  | { readonly kind: 'dismissed'; readonly ring: string }

/* Another version of the kit in this process reads memory in another way, so it does not hear us. */
const nameOf = (side: string): string => `tracelane.${side}.${process.pid}.${programVersion}`

/**
 * One end of the way on which the isolates of a process find each other's flush threads. Keeps no thread alive. Whoever makes it closes
 * it.
 */
export class RingChannel<Heard, Said> {
  readonly #channel: BroadcastChannel
  readonly #others: string
  readonly #hear: (message: Heard) => void
  #isClosed = false

  /** Throws if the system has no room for one more channel. */
  constructor(side: 'hosts' | 'guests', hear: (message: Heard) => void) {
    this.#others = nameOf(side === 'hosts' ? 'guests' : 'hosts')
    this.#hear = hear
    // The listener must not belong to the request that happened to log first.
    this.#channel = runOutside(() => {
      const channel = new (workerThreads().BroadcastChannel)(nameOf(side))
      channel.onmessage = (event) => hear((event as { data: Heard }).data)
      channel.unref()
      return channel
    })
  }

  /** Tells the other side. Of a channel that stayed open, each isolate would hear, and so hold, the rings of all others. */
  post(message: Said): void {
    const channel = new (workerThreads().BroadcastChannel)(this.#others)
    channel.postMessage(message)
    channel.close()
  }

  /** Hears now what has arrived, while no event loop turns. */
  catchUp(): void {
    while (!this.#isClosed) {
      const received = workerThreads().receiveMessageOnPort(this.#channel as unknown as MessagePort)
      if (received === undefined) return
      this.#hear(received.message as Heard)
    }
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true
    this.#channel.close()
  }
}

/** The name of a sink for isolates: theirs is the same if they write to the same place in the same way. */
export function nameOfSink(spec: object): string {
  return JSON.stringify(spec)
}
