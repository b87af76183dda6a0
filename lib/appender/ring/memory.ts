/*
 * The shared memory of one queue: words of control, each on a cache line of its own so that the two threads do not pull the same
 * line to and fro, then the bytes of the ring. docs/specs/ring-buffer.md is the specification.
 *
 *        thread that logs                            words                             owner of the lock (flush thread or main)
 *   write a frame at HEAD, pad at the end             HEAD                                read the frame at TAIL
 *   HEAD += size, BELL += 1, WAITING? notify  ────▶  BELL  ◀── WAITING = 1, nothing to do? wait while BELL is as it was
 *   room: HEAD - TAIL, the copy of TAIL             WRITTEN ◀── bytes of the frame that the destination has, before each pause
 *   that is kept is read again only when            ACCOUNT ◀── what the frame came to
 *   it leaves no room                   ◀──────────  TAIL   ◀── TAIL += size, notify
 *
 * HEAD and TAIL count bytes for ever and wrap around like Int32 does, so only differences of them are used. A frame is resolved, which is: entered into
 * the account and left behind by TAIL, under the lock only. So nobody writes one twice, unless a thread dies between its write and TAIL.
 */

/** A cache line is 64 bytes on x86 and on most ARM processors. */
const LINE_WORDS = 16

/** Indexes of the words of control. */
export const WORD = {
  /** Bytes that were ever written to the ring, by the thread that logs. */
  head: 0,
  /** Bytes that were ever resolved, by the owner of the lock. */
  tail: LINE_WORDS,
  /** One of `OWNER`. */
  owner: 2 * LINE_WORDS,
  /** Not 0: the flush thread is to end. */
  stop: 3 * LINE_WORDS,
  /** Counts up whenever there is something new for the flush thread. */
  bell: 4 * LINE_WORDS,
  /** Not 0: the flush thread sleeps on `bell`. */
  waiting: 4 * LINE_WORDS + 1,
  /** Not 0: the flush thread runs, as far as anybody knows; each side corrects the other. */
  running: 4 * LINE_WORDS + 2,
  /** The number of the flush thread at the operating system, where that can be known (Linux), else 0. */
  thread: 4 * LINE_WORDS + 3,
  /** How many bytes of what the frame at `tail` becomes are at the destination already. */
  written: 5 * LINE_WORDS,
  /** Events that were ever resolved; wraps around. */
  resolvedEvents: 6 * LINE_WORDS,
  /** Not 0: the flush thread is to say when `tail` has reached `target`. */
  wanted: 7 * LINE_WORDS,
  target: 7 * LINE_WORDS + 1,
  /** Counts up whenever the owner of the lock does something, be it that it tried in vain. */
  beat: 8 * LINE_WORDS,
  /** One of `SERVER`: who serves this ring, if it is that of a worker thread. */
  server: 9 * LINE_WORDS,
  /** One of `SPILL`. */
  spill: 9 * LINE_WORDS + 1,
  /** What ends at or before this position of `head` waits for no more lines: a task is over. */
  due: 7 * LINE_WORDS + 2,
} as const

/** Values of the word `owner`. `host`: the flush thread of another isolate's queue. */
export const OWNER = { free: 0, flush: 1, main: 2, host: 3 } as const

/** Values of the word `server`. `host`: a flush thread of the main thread; `gone`: the thread that logs has closed its queue. */
export const SERVER = { none: 0, host: 1, gone: 2 } as const

/**
 * Values of the word `spill`: whether events go past the ring into a spool, behind the last frame. `closed`: no. `open`: yes. `appending`: the thread that logs is
 * at it. `closing`: the owner of the lock has found nothing more there, and looks a last time.
 */
export const SPILL = { closed: 0, open: 1, appending: 2, closing: 3 } as const

/** Indexes of the counters, each of 64 bits. Only the owner of the lock writes them. */
export const ACCOUNT = {
  delivered: 0,
  rejected: 1,
  bytes: 2,
  retried: 3,
  spooled: 4,
  unsynced: 5,
  quarantined: 6,
  filtered: 7,
} as const

const CONTROL_BYTES = 10 * LINE_WORDS * Int32Array.BYTES_PER_ELEMENT
const ACCOUNT_BYTES = 64
const BEFORE_RING = CONTROL_BYTES + ACCOUNT_BYTES

/* Every Node that is supported has it; the declarations of the language version do not. */
type ResizableArrayBuffer = new (bytes: number, options: { readonly maxByteLength: number }) => ArrayBuffer

/** The shared memory of one queue, seen from one thread. */
export class QueueMemory {
  readonly shared: SharedArrayBuffer
  readonly words: Int32Array
  readonly account: BigInt64Array
  /** Size of the ring in bytes: a power of two. */
  readonly capacity: number
  readonly bytes: Buffer
  /** The ring as words: frames begin at multiples of 8 bytes. */
  readonly ints: Int32Array
  readonly floats: Float64Array

  /* See `borrowed`. */
  protected readonly ballast: ArrayBuffer | undefined

  constructor(shared: SharedArrayBuffer, ballast?: ArrayBuffer) {
    this.shared = shared
    this.ballast = ballast
    this.words = new Int32Array(shared, 0, CONTROL_BYTES / Int32Array.BYTES_PER_ELEMENT)
    this.account = new BigInt64Array(shared, CONTROL_BYTES, ACCOUNT_BYTES / BigInt64Array.BYTES_PER_ELEMENT)
    this.capacity = shared.byteLength - BEFORE_RING
    this.bytes = Buffer.from(shared, BEFORE_RING, this.capacity)
    this.ints = new Int32Array(shared, BEFORE_RING, this.capacity / Int32Array.BYTES_PER_ELEMENT)
    this.floats = new Float64Array(shared, BEFORE_RING, this.capacity / Float64Array.BYTES_PER_ELEMENT)
  }

  /**
   * The memory of another isolate, which may come and go. V8 counts no shared memory, so it would see no reason to collect what keeps hundreds
   * of megabytes. Hence the ballast: as many bytes that it does count. Nobody touches them, and memory that can be resized is not even given
   * by the system before that.
   */
  static borrowed(shared: SharedArrayBuffer): QueueMemory {
    const bytes = shared.byteLength
    return new QueueMemory(shared, new (ArrayBuffer as ResizableArrayBuffer)(bytes, { maxByteLength: bytes }))
  }

  /** New memory for a ring of at least `bytes`, from 4 KiB to 1 GiB. */
  static create(bytes: number): QueueMemory {
    let capacity = 4096
    while (capacity < bytes) capacity *= 2
    return new QueueMemory(new SharedArrayBuffer(BEFORE_RING + capacity))
  }

  /** Adds to a counter of the account. Only for the owner of the lock. */
  count(which: number, amount: number): void {
    Atomics.add(this.account, which, BigInt(amount))
  }

  /** Reads a counter of the account. */
  counted(which: number): number {
    return Number(Atomics.load(this.account, which))
  }

  /** How often a write was tried again. */
  get retries(): number {
    return this.counted(ACCOUNT.retried)
  }

  /**
   * Tells the flush thread that there is something new. Wakes it if it sleeps deeply; if it only naps, because it has just been busy, it comes by
   * itself soon, and is spared the system call, unless this is `urgent`.
   */
  ring(urgent = false): void {
    if (this.ringsAt(urgent)) Atomics.notify(this.words, WORD.bell)
  }

  /** Says that what lies in the ring waits for no more lines; whether there is something. Only for the thread that logs. */
  markDue(): boolean {
    const { words } = this
    const head = Atomics.load(words, WORD.head)
    Atomics.store(words, WORD.due, head)
    return head !== Atomics.load(words, WORD.tail)
  }

  /** `ring` for a thread that sleeps elsewhere: whether it is to be woken. */
  ringsAt(urgent: boolean): boolean {
    Atomics.add(this.words, WORD.bell, 1)
    return urgent || Atomics.load(this.words, WORD.waiting) !== 0
  }
}
