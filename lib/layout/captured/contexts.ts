import { type MdcFields, NO_FIELDS } from '../../context'
import type { LogEvent } from '../../event'
import { overrides } from '../field-text'
import { BEFORE_MDC, isSharable } from './format'

/** What the events of one scope have in common. */
export interface Context {
  readonly text: string
  /** Its number in the dictionary of `batch`. */
  index: number
  batch: number
}

/** Writes an MDC as JSON members. */
export type MdcWriter = (mdc: MdcFields, fields: LogEvent['fields'], there: number) => string

/** Finds the contexts of events. That of the event before is looked at only, since most events come in runs. */
export class Contexts {
  readonly #mdcText: MdcWriter
  #traceId: string | undefined
  #spanId: string | undefined
  #mdc: MdcFields = NO_FIELDS
  #keys: readonly string[] = []
  #context: Context | undefined = contextOf('', '')

  constructor(mdcText: MdcWriter) {
    this.#mdcText = mdcText
  }

  /** Undefined if a field of the event takes the place of one of the MDC, or if there is too much to share. */
  of({ traceId, spanId, mdc, fields }: LogEvent): Context | undefined {
    if (traceId !== this.#traceId || spanId !== this.#spanId || mdc !== this.#mdc) this.#enter(traceId, spanId, mdc)
    for (const key of this.#keys) if (overrides(fields, key)) return undefined
    return this.#context
  }

  #enter(traceId: string | undefined, spanId: string | undefined, mdc: MdcFields): void {
    this.#traceId = traceId
    this.#spanId = spanId
    if (mdc !== this.#mdc) {
      this.#mdc = mdc
      this.#keys = Object.keys(mdc)
    }
    const trace = traceId === undefined ? '' : `,"traceId":"${traceId}","spanId":"${spanId}"`
    const members = this.#keys.length === 0 ? '' : this.#mdcText(mdc, undefined, 0)
    this.#context = isSharable(trace) && isSharable(members) ? contextOf(trace, members) : undefined
  }
}

/** A context that is in no dictionary yet. */
export function contextOf(trace: string, mdcMembers: string): Context {
  return { text: trace + BEFORE_MDC + mdcMembers, index: 0, batch: 0 }
}
