import { type Level, type LogEvent, quote, textToJson } from '../../event'
import type { Redactor } from '../../redaction'
import { whoWrites } from '../json-layout'
import type { Origin } from '../layout'
import { COLUMN, isSharable, slotText } from './format'
import { NAMED, Shape, ShapeFamily } from './shapes'

/*
 * As in the JSON layout: most messages are constants of the code, and a logger that makes a new one for each call would pay for each look. After so many
 * that were not known, it is not looked for the next ones at all.
 */
const MAX_MISSES = 64
const UNLOOKED = 16_384
const MAX_MESSAGE_LENGTH = 128
/* Names of other loggers may be made of ids. */
const MAX_LOGGERS = 4096

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
  #messages: Messages | undefined

  /** For events inside a trace, or for those outside any. */
  constructor(origin: Origin, ordering: boolean, redactor: Redactor, inside: boolean) {
    const trace = inside ? `,"traceId":"${slotText('traceId')}","spanId":"${slotText('spanId')}"` : ''
    const position = ordering ? `,"hlc":"${slotText('clock')}","seq":${slotText('seq')}` : ''
    const end = trace + position + slotText('mdc')
    this.#frame = { who: whoWrites(origin, ordering), end, redactor }
  }

  /**
   * The shape without fields yet, undefined for texts that cannot be shared. If it has an `unplain`, the message has a slot: as it is if it is plain, else as
   * JSON in the other shape.
   */
  of({ logger, level, msg }: LogEvent): Shape | undefined {
    if (level !== this.#level || logger !== this.#logger || this.#messages === undefined) {
      this.#messages = this.#messagesOf(logger, level)
      this.#logger = logger
      this.#level = level
    }
    return this.#messages.of(msg)
  }

  /** Forgets all shapes. */
  clear(): void {
    this.#byLogger.clear()
    this.#messages = undefined
  }

  #messagesOf(logger: string, level: Level): Messages {
    if (this.#byLogger.size === MAX_LOGGERS) this.clear()
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
  #family = new ShapeFamily()
  #varying: Shape | undefined
  readonly #known = new Map<string, Shape>()
  #last = ''
  #lastRoot: Shape | undefined
  #unlooked = 0

  constructor(before: string, frame: Frame) {
    this.#before = before
    this.#frame = frame
    this.#isSharable = isSharable(before + frame.who)
  }

  of(msg: string): Shape | undefined {
    if (this.#unlooked > 0) {
      this.#unlooked--
      return this.#varying
    }
    if (msg === this.#last && this.#lastRoot !== undefined) return this.#lastRoot
    if (!this.#isSharable) return undefined
    const root = this.#known.get(msg) ?? this.#learn(msg)
    this.#last = msg
    this.#lastRoot = root
    return root
  }

  #learn(msg: string): Shape {
    this.#varying ??= this.#makeVarying()
    if (msg.length > MAX_MESSAGE_LENGTH) return this.#varying
    if (this.#known.size === MAX_MISSES) {
      this.#known.clear()
      this.#family = new ShapeFamily()
      this.#unlooked = UNLOOKED
      return this.#varying
    }
    const root = new Shape(this.#textWith(textToJson(msg, this.#frame.redactor)), COLUMN.slots, this.#family)
    this.#known.set(msg, root)
    return root
  }

  #makeVarying(): Shape {
    const family = new ShapeFamily()
    const unplain = new Shape(this.#textWith(TEXT), COLUMN.slots + 1, family)
    return new Shape(this.#textWith(`"${TEXT}"`), COLUMN.slots + 1, family, '', NAMED, unplain)
  }

  #textWith(msg: string): string {
    const { who, end } = this.#frame
    return `{"time":${TIME}${this.#before}${msg}${who}${end}`
  }
}
