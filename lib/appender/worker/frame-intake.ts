import { type BatchEvent, rowsOfLines } from '../../sinks'
import type { SpoolRecord } from '../../spool'
import { countOutcomes, FRAME, type Frame, type QueueMemory, type RingReader, type Seen } from '../ring'
import { moved, rowsOfFrame } from './event-rows'
import type { FrameLines } from './frame-lines'
import type { OpenFrame } from './open-frames'
import { OutgoingBatch } from './outgoing-batch'
import type { SpilledLines } from './spilled-lines'

/** What was read next. Its lines are undefined if they never came. */
export interface Intake {
  readonly frame: OpenFrame
  readonly batch: OutgoingBatch | undefined
  /** Where it ends in the ring. */
  readonly end: number
}

/** Reads the frames of a ring before those in front of them are resolved, and the records of the spool one at a time. */
export class FrameIntake {
  readonly #memory: QueueMemory
  readonly #reader: RingReader
  readonly #lines: FrameLines
  readonly #spilled: SpilledLines | undefined
  readonly #instance: string
  #position: number

  constructor(memory: QueueMemory, reader: RingReader, lines: FrameLines, spilled: SpilledLines | undefined, instance: string) {
    this.#memory = memory
    this.#reader = reader
    this.#lines = lines
    this.#spilled = spilled
    this.#instance = instance
    this.#position = reader.tail
  }

  /** Begins again at the first frame that is not resolved. */
  rewind(): void {
    this.#position = this.#reader.tail
  }

  /**
   * The next frame, or the next record of the spool; undefined if there is none now. `isIdle`: all that was read is resolved, without which nothing of a spool
   * is read. `resolved`: the spool is empty, so the frame that stands for it is. `failed`: the spool cannot be read now.
   */
  next(isIdle: boolean): Intake | undefined | 'resolved' | { readonly failed: string } {
    const seen = this.#reader.look(this.#position)
    if (seen === undefined) return undefined
    if (seen.frame.kind === FRAME.spilled && this.#spilled !== undefined) {
      return isIdle ? this.#nextSpilled(seen, this.#spilled) : undefined
    }
    this.#position = seen.end
    const { frame, end } = seen
    return { frame: this.#openFrame(frame), batch: this.#batchOf(frame), end }
  }

  #openFrame(frame: Frame): OpenFrame {
    const reader = this.#reader
    return {
      events: frame.events,
      resolve(outcomes) {
        // Leaves the padding before it behind, if there is any.
        reader.frame()
        reader.settle(frame, outcomes)
      },
    }
  }

  #batchOf(frame: Frame): OutgoingBatch | undefined {
    const { kind, events, firstSeq } = frame
    const made = this.#lines.of(frame)
    if (made.length === 0) return undefined
    // What the renderer gives is good until the next frame is read.
    const lines = kind === FRAME.captured ? Buffer.from(made) : made
    return new OutgoingBatch(lines, events, `${this.#instance}-${firstSeq}-${events}`, this.#instance, (base) =>
      rowsOfFrame(frame, lines, base),
    )
  }

  #nextSpilled({ frame, end }: Seen, spilled: SpilledLines): Intake | 'resolved' | { readonly failed: string } {
    const record = spilled.next()
    if (record === 'done') {
      this.#reader.frame()
      this.#reader.resolve(frame, 'delivered', 0)
      spilled.end()
      this.#position = end
      return 'resolved'
    }
    return 'failed' in record ? record : { ...this.#openRecord(record, spilled), end }
  }

  #openRecord(record: SpoolRecord, spilled: SpilledLines): Omit<Intake, 'end'> {
    const { payload, meta, position } = record
    const { events, firstSeq } = meta
    const rows = (base: number): readonly BatchEvent[] => rowsOfLines(payload, events, firstSeq).map((row) => moved(row, base))
    // Of another process, maybe, so the place in the spool is its name.
    const id = `${this.#instance}-spool-${position.segment}-${position.offset}`
    return {
      frame: {
        events,
        resolve: (outcomes) => {
          countOutcomes(this.#memory, outcomes)
          spilled.settle(record)
        },
      },
      batch: payload.length === 0 ? undefined : new OutgoingBatch(payload, events, id, this.#instance, rows),
    }
  }
}
