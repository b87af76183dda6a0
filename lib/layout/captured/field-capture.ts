import { copyPlain, fieldToJson, type LogEvent, textToJson } from '../../event'
import type { Redactor } from '../../redaction'
import { type FieldPlan, fieldPlans } from '../field-plans'
import { readField, writeField } from '../json-layout'
import type { BatchBuffer } from './batch-buffer'
import { COLUMN } from './format'
import { JSON_TEXT, type Kind, NAMED, NUMBER, type Shape, TEXT } from './shapes'

/* As constants of this file, because what another file exports is looked up each time. */
const SLOTS = COLUMN.slots
const [NUMBER_KIND, TEXT_KIND, JSON_KIND, NAMED_KIND]: readonly [Kind, Kind, Kind, Kind] = [NUMBER, TEXT, JSON_TEXT, NAMED]
/* In a `for in` loop V8 leaves this very call out. */
const hasOwn = Object.prototype.hasOwnProperty

/** Puts the message, if it is not in the shape, and the fields of an event into its row and the records. */
export class FieldCapture {
  /** The shape of the event; undefined if only a finished line will do. */
  shape: Shape | undefined
  /** Where its bytes end. */
  end = 0
  readonly #redactor: Redactor
  readonly #planOf: (key: string) => FieldPlan

  constructor(redactor: Redactor) {
    this.#redactor = redactor
    this.#planOf = fieldPlans(redactor)
  }

  /** Begins at `root`. Slots go into the row that begins at `row`, bytes to the records from `from` on. Sets `shape` and `end`. */
  capture({ msg, fields }: LogEvent, root: Shape, buffer: BatchBuffer, row: number, from: number): void {
    const { rows } = buffer
    let shape = root
    let column = row + SLOTS
    let at = from
    if (root.unplain !== undefined) {
      if (copyPlain(msg, buffer.plainAt(at), at)) at += msg.length
      else {
        at = buffer.write(textToJson(msg, this.#redactor), at)
        shape = root.unplain
      }
      rows[column++] = at - from
    }
    try {
      for (const key in fields) {
        if (!hasOwn.call(fields, key)) continue
        const value = readField(fields, key)
        const next = shape.next
        if (next !== undefined && next.key === key) {
          if (next.kind === NUMBER_KIND && typeof value === 'number') {
            rows[column++] = value
            shape = next
            continue
          }
          if (next.kind === TEXT_KIND && typeof value === 'string' && copyPlain(value, buffer.plainAt(at), at)) {
            rows[column++] = value.length
            at += value.length
            shape = next
            continue
          }
        }
        const found = this.#captureField(shape, key, value, buffer, at)
        if (found === shape) continue
        this.shape = found
        if (found === undefined) return
        rows[column++] = found.kind === NUMBER_KIND ? (value as number) : this.end - at
        at = this.end
        shape = found
      }
    } catch {
      // A proxy that does not tell its keys: the layout says so.
      this.shape = undefined
      return
    }
    this.shape = shape
    this.end = at
  }

  /* A field that is not as it was the last time: returns the next shape, or the same one if the field is left out. Sets #end. */
  #captureField(shape: Shape, key: string, value: unknown, buffer: BatchBuffer, at: number): Shape | undefined {
    const plan = this.#planOf(key)
    if (plan.isFree && typeof value === 'number') {
      this.end = at
      return shape.with(key, NUMBER_KIND, plan)
    }
    if (plan.isFree && typeof value === 'string' && copyPlain(value, buffer.plainAt(at), at)) {
      this.end = at + value.length
      return shape.with(key, TEXT_KIND, plan)
    }
    const text = plan.isFree ? fieldToJson(key, value, this.#redactor) : writeField(key, value, 0, plan, this.#redactor)
    if (text === undefined || text === '') return shape
    this.end = buffer.write(text, at)
    return plan.isFree ? shape.with(key, JSON_KIND, plan) : shape.with('', NAMED_KIND, undefined)
  }
}
