import type { FieldPlan } from '../field-plans'
import { MAX_COLUMNS, MAX_SHARED, slotText } from './format'

/** How the value of a field is kept: its number, its characters between the quotation marks, its JSON, or its JSON with its name. */
export type Kind = number
export const NUMBER: Kind = 0
export const TEXT: Kind = 1
export const JSON_TEXT: Kind = 2
export const NAMED: Kind = 3

const KINDS = 4
const END = '}\n'
const NUMBER_SLOT = slotText('number')
const TEXT_SLOT = slotText('text')

/** The first shapes of a family are kept; an application that makes names of its ids makes new ones without end. */
const MAX_SHAPES = 256

/** What counts the shapes that begin alike. */
export class ShapeFamily {
  #left = MAX_SHAPES

  /** False when there are too many already. */
  admit(): boolean {
    return this.#left-- > 0
  }
}

/**
 * The names and kinds of the fields of an event, one more than in the shape before it, down to a root that has what the statement says. It is
 * found by walking: the next shape is most often the one that was next the last time.
 */
export class Shape {
  /** The template of events of this shape. */
  readonly text: string
  /** How many columns their rows have. */
  readonly columns: number
  readonly key: string
  readonly kind: Kind
  next: Shape | undefined
  /** Of a shape that begins with a slot for the message: the one for messages that are not plain. */
  readonly unplain: Shape | undefined
  /** Its number in the dictionary of `batch`. */
  index = 0
  batch = 0
  readonly #open: string
  readonly #family: ShapeFamily
  readonly #others: (Map<string, Shape> | undefined)[] = new Array<Map<string, Shape> | undefined>(KINDS).fill(undefined)

  constructor(text: string, columns: number, family: ShapeFamily, key = '', kind: Kind = NAMED, unplain?: Shape) {
    this.unplain = unplain
    this.#open = text
    this.#family = family
    this.key = key
    this.kind = kind
    this.columns = columns
    this.text = (kind === TEXT ? `${text}"` : text) + END
  }

  /** The shape with one more field; undefined if there are too many fields or shapes. NAMED needs no plan, and has no key. */
  with(key: string, kind: Kind, plan: FieldPlan | undefined): Shape | undefined {
    const { next } = this
    if (next !== undefined && next.key === key && next.kind === kind) return next
    const known = this.#others[kind]?.get(key)
    if (known !== undefined) {
      this.next = known
      return known
    }
    if (this.columns === MAX_COLUMNS || this.#open.length + key.length > MAX_SHARED || !this.#family.admit()) return undefined
    const made = new Shape(this.#open + this.#added(kind, plan), this.columns + 1, this.#family, key, kind)
    const others = this.#others[kind] ?? new Map<string, Shape>()
    this.#others[kind] = others
    others.set(key, made)
    this.next = made
    return made
  }

  #added(kind: Kind, plan: FieldPlan | undefined): string {
    const open = this.kind === TEXT
    if (plan === undefined) return (open ? '"' : '') + TEXT_SLOT
    if (kind === TEXT) return (open ? plan.closingText : plan.text) + TEXT_SLOT
    return (open ? plan.closingNamed : plan.named) + (kind === NUMBER ? NUMBER_SLOT : TEXT_SLOT)
  }
}
