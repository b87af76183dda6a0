import { isPlain, type Level, type LogEvent, quote, textToJson } from '../../event'
import type { Redactor } from '../../redaction'
import { whoWrites } from '../json-layout'
import type { Origin } from '../layout'
import { COLUMN, isSharable, slotText } from './format'
import { Shape, ShapeFamily } from './shapes'

/*
 * As in the JSON layout: most messages are constants of the code, and a logger that makes a new one for each call would pay for each look. After so many
 * that were not known, it is not looked for the next ones at all.
 */
const MAX_MISSES = 64
const UNLOOKED = 16_384
const MAX_MESSAGE_LENGTH = 128

const TIME = slotText('time')
const TEXT = slotText('text')

/** What the roots of shapes are made of. */
interface Frame {
  readonly who: string
  readonly end: string
  readonly redactor: Redactor
}

/** Finds the shape of an event without its fields: its logger, its level and, unless it is always another one, its message. */
export class Statements {
  readonly #frame: Frame
  readonly #byLogger = new Map<string, Map<Level, Messages>>()
  #logger = ''
  #level: Level | undefined
  #msg = ''
  #root: Shape | undefined

  /** For events inside a trace, or for those outside any. */
  constructor(origin: Origin, ordering: boolean, redactor: Redactor, inside: boolean) {
    const trace = inside ? `,"traceId":"${slotText('traceId')}","spanId":"${slotText('spanId')}"` : ''
    const position = ordering ? `,"hlc":"${slotText('clock')}","seq":${slotText('seq')}` : ''
    const end = trace + position + slotText('mdc')
    this.#frame = { who: whoWrites(origin, ordering), end, redactor }
  }

  /**
   * The shape without fields yet, undefined for texts that cannot be shared. If it has a slot, that is for the message: as it is if it is plain, else
   * as JSON.
   */
  of({ logger, level, msg }: LogEvent): Shape | undefined {
    if (msg === this.#msg && level === this.#level && logger === this.#logger) return this.#root
    const root = this.#messagesOf(logger, level).of(msg)
    this.#logger = logger
    this.#level = level
    this.#msg = msg
    this.#root = root
    return root
  }

  /** Forgets all shapes. */
  clear(): void {
    this.#byLogger.clear()
    this.#level = undefined
  }

  #messagesOf(logger: string, level: Level): Messages {
    const byLevel = this.#byLogger.get(logger) ?? new Map<Level, Messages>()
    const known = byLevel.get(level)
    if (known !== undefined) return known
    this.#byLogger.set(logger, byLevel)
    const messages = new Messages(`,"level":"${level}","logger":${quote(logger)},"msg":`, this.#frame)
    byLevel.set(level, messages)
    return messages
  }
}

/* The messages of one logger and level. */
class Messages {
  readonly #before: string
  readonly #frame: Frame
  readonly #isSharable: boolean
  readonly #varyingFamily = new ShapeFamily()
  #family = new ShapeFamily()
  #plain: Shape | undefined
  #quoted: Shape | undefined
  readonly #known = new Map<string, Shape>()
  #unlooked = 0

  constructor(before: string, frame: Frame) {
    this.#before = before
    this.#frame = frame
    this.#isSharable = isSharable(before + frame.who)
  }

  of(msg: string): Shape | undefined {
    if (!this.#isSharable) return undefined
    if (this.#unlooked === 0) return this.#known.get(msg) ?? this.#learn(msg)
    this.#unlooked--
    return this.#varying(msg)
  }

  #learn(msg: string): Shape {
    if (msg.length > MAX_MESSAGE_LENGTH) return this.#varying(msg)
    if (this.#known.size === MAX_MISSES) {
      this.#known.clear()
      this.#family = new ShapeFamily()
      this.#unlooked = UNLOOKED
      return this.#varying(msg)
    }
    const { redactor } = this.#frame
    const root = new Shape(this.#textWith(textToJson(msg, redactor)), COLUMN.slots, this.#family)
    this.#known.set(msg, root)
    return root
  }

  #varying(msg: string): Shape {
    if (isPlain(msg)) {
      this.#plain ??= new Shape(this.#textWith(`"${TEXT}"`), COLUMN.slots + 1, this.#varyingFamily)
      return this.#plain
    }
    this.#quoted ??= new Shape(this.#textWith(TEXT), COLUMN.slots + 1, this.#varyingFamily)
    return this.#quoted
  }

  #textWith(msg: string): string {
    const { who, end } = this.#frame
    return `{"time":${TIME}${this.#before}${msg}${who}${end}`
  }
}
