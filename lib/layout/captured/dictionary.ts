import { type MdcFields, NO_FIELDS } from '../../context'
import type { LogEvent } from '../../event'
import { overrides } from '../field-text'
import { BETWEEN_ENTRIES, BETWEEN_SECTIONS, isSharable, SPAN_ID_LENGTH, TRACE_ID_LENGTH } from './format'

/** What several events of a batch have in common. */
export interface Part {
  readonly text: string
  /** Its number in the dictionary of batch `batch`. */
  index: number
  batch: number
}

/** A part that is in no dictionary yet. */
export function partOf(text: string): Part {
  return { text, index: 0, batch: 0 }
}

/** What the events of one batch share. Each part is entered once, when an event that has it is taken. */
export class Dictionary {
  /** How many characters it has by now. */
  size = 0
  readonly #batch: number
  readonly #templates: string[] = []
  readonly #mdcs: string[] = []
  #traces = ''
  #traceCount = 0

  /** Of batch `batch`, from 1. */
  constructor(batch: number) {
    this.#batch = batch
  }

  /** Returns the number of a template. */
  template(part: Part): number {
    if (part.batch !== this.#batch) this.#enter(part, this.#templates.push(part.text) - 1)
    return part.index
  }

  /** Returns the number of an MDC. */
  mdc(part: Part): number {
    if (part.batch !== this.#batch) this.#enter(part, this.#mdcs.push(part.text) - 1)
    return part.index
  }

  /** Returns the number of a trace. */
  trace(part: Part): number {
    if (part.batch !== this.#batch) {
      this.#traces += part.text
      this.#enter(part, this.#traceCount++)
    }
    return part.index
  }

  /** All of it, as in format.ts. */
  text(): string {
    // Each character must be one byte. Ids are hexadecimal; whoever makes others finds question marks.
    const traces =
      Buffer.byteLength(this.#traces) === this.#traces.length ? this.#traces : this.#traces.replace(/[^\0-\x7f]/g, '?')
    return [this.#templates.join(BETWEEN_ENTRIES), this.#mdcs.join(BETWEEN_ENTRIES), traces].join(BETWEEN_SECTIONS)
  }

  /** That of the next batch. */
  next(): Dictionary {
    return new Dictionary(this.#batch + 1)
  }

  #enter(part: Part, index: number): void {
    part.batch = this.#batch
    part.index = index
    this.size += part.text.length + 1
  }
}

/** Finds the ids of events as parts. Those of the event before are looked at only, since most events come in runs. */
export class Traces {
  #traceId = ''
  #spanId: string | undefined = ''
  #part: Part | undefined

  /** Undefined if they have not the length of ids. */
  of(traceId: string, spanId: string | undefined): Part | undefined {
    if (traceId === this.#traceId && spanId === this.#spanId) return this.#part
    this.#traceId = traceId
    this.#spanId = spanId
    const isTrace = traceId.length === TRACE_ID_LENGTH && spanId?.length === SPAN_ID_LENGTH
    this.#part = isTrace ? partOf(traceId + spanId) : undefined
    return this.#part
  }
}

/** Writes an MDC as JSON members. */
export type MdcWriter = (mdc: MdcFields, fields: LogEvent['fields'], there: number) => string

/** Finds the MDC of events as parts. That of the event before is looked at only; it is the same frozen record for all events of a scope. */
export class Mdcs {
  readonly #write: MdcWriter
  readonly #empty = partOf('')
  #mdc: MdcFields = NO_FIELDS
  #keys: readonly string[] = []
  #part: Part | undefined = this.#empty

  constructor(write: MdcWriter) {
    this.#write = write
  }

  /** Undefined if a field of the event takes the place of one of the MDC, or if there is too much to share. */
  of(mdc: MdcFields, fields: LogEvent['fields']): Part | undefined {
    if (mdc === NO_FIELDS) return this.#empty
    if (mdc !== this.#mdc) {
      const text = this.#write(mdc, undefined, 0)
      this.#mdc = mdc
      this.#keys = Object.keys(mdc)
      this.#part = isSharable(text) ? partOf(text) : undefined
    }
    for (const key of this.#keys) if (overrides(fields, key)) return undefined
    return this.#part
  }
}
