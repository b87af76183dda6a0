import { isUtf8 } from 'node:buffer'
import { BYTE, isAt } from '../json-bytes'
import { WordBytes } from '../word-bytes'
import { writeAttributes, writeLog } from './encoder'
import { hashOf, KEY, KEY_NAMES } from './known-keys'
import { type HeadMeaning, LineMemory } from './line-memory'
import { LineScanner, parsed } from './line-scanner'
import { ONE_BYTE, ProtobufWriter } from './protobuf'
import { type Attributes, attributesOf, fieldsOf, type LineReader, nameOf, type Reading, SPAN_LOGGER, textOf } from './record'
import { type RecordGroup, RecordGroups } from './record-groups'

const FIRST_BYTES = 256 * 1024
/* Memory beyond it is not kept from one request to the next. */
const MAX_KEPT_BYTES = 16 * 2 ** 20
const WHO = [KEY.service, KEY.instance, KEY.host, KEY.hostname, KEY.pid, KEY.thread] as const
const NOTHING = new Uint8Array(0)
const SPAN_SCOPE: Uint8Array = Buffer.from(JSON.stringify(SPAN_LOGGER))

/* What is written of each severity. */
const LEVELS: readonly WordBytes[] = Array.from({ length: 25 }, (_, severity) => {
  const out = new ProtobufWriter(32)
  writeLevel(out, severity, nameOf(severity))
  return new WordBytes(out.written)
})

interface KnownScope {
  readonly logger: Uint8Array
  readonly group: RecordGroup
}

/**
 * Makes the body of a request of lines, in protobuf: straight from their bytes where they are as our layouts write them, and through the objects that
 * `LineReader` makes where they are not. Both come to the same.
 */
export class LogEncoder {
  readonly #reader: LineReader
  readonly #out: ProtobufWriter
  readonly #scanner: LineScanner
  readonly #groups: RecordGroups
  readonly #takesSpans: boolean
  readonly #lines: Uint8Array
  readonly #isUtf8: boolean
  /* What the last line said of its process, byte for byte; and the loggers that were met in that. */
  readonly #who: Uint8Array[] = WHO.map(() => NOTHING)
  #resource: Attributes | undefined
  readonly #scopes = new Map<number, KnownScope>()
  readonly #byHead = new Map<HeadMeaning, RecordGroup>()
  /* How many bytes the length of the last record took, as that of the next one most likely does. */
  #room: 1 | 2 = 2

  /** `takesSpans`: whether the ends of spans are records like any other. */
  constructor(lines: Uint8Array, reader: LineReader, memory: LogMemory, ordering: boolean, takesSpans: boolean) {
    this.#lines = lines
    this.#reader = reader
    this.#out = memory.writer()
    this.#scanner = new LineScanner(lines, this.#out, memory.lines, ordering)
    this.#groups = new RecordGroups(this.#out, (out, resource) => writeAttributes(out, 1, resource))
    this.#takesSpans = takesSpans
    this.#isUtf8 = isUtf8(lines)
  }

  /** Adds the line from `start` to `end` as a record; false if it takes a `LineReader`. */
  add(start: number, end: number, severity: number): boolean {
    if (!this.#isUtf8) return false
    const out = this.#out
    const from = out.length
    const room = this.#room
    const record = out.begin(2, room)
    if (!this.#scanner.read(start, end) || !this.#complete(severity)) {
      out.cut(from)
      return false
    }
    this.#room = out.length - record < ONE_BYTE ? 1 : 2
    out.end(record, room)
    this.#groups.add(this.#groupOf(), from)
    return true
  }

  /** Adds what a `LineReader` has read. */
  addReading({ resource, scope, log }: Reading): void {
    const from = this.#out.length
    const record = this.#out.begin(2, 2)
    writeLog(this.#out, log)
    this.#out.end(record, 2)
    this.#groups.add(this.#groups.group(resource, scope), from)
  }

  /** The body of the request. */
  finish(): Buffer {
    return this.#groups.finish()
  }

  /* What is not written while the line is read. */
  #complete(severity: number): boolean {
    const out = this.#out
    const { time, rare } = this.#scanner
    let severityText: string | undefined
    if (rare !== undefined) {
      const span = this.#isSpan() ? fieldsOf(rare['span']) : undefined
      if (span !== undefined && !this.#takesSpans) return false
      severityText = textOf(rare['severityText'])
      const eventName = textOf(rare['eventName'])
      if (eventName !== undefined) out.text(12, eventName)
      writeAttributes(out, 6, attributesOf(rare, span, false))
    }
    out.nanos(1, time)
    const level = severityText === undefined ? LEVELS[severity] : undefined
    if (level !== undefined) out.encoded(level)
    else writeLevel(out, severity, severityText ?? nameOf(severity))
    out.nanos(11, time)
    return true
  }

  #isSpan(): boolean {
    const [from, to] = this.#scanner.placeOf(KEY.logger)
    return to - from === SPAN_SCOPE.length && isAt(this.#lines, from, SPAN_SCOPE)
  }

  #groupOf(): RecordGroup {
    const { head } = this.#scanner
    if (head === undefined || !this.#scanner.isHeadAll) return this.#findGroup()
    let group = this.#byHead.get(head)
    if (group === undefined) {
      group = this.#findGroup()
      this.#byHead.set(head, group)
    }
    return group
  }

  #findGroup(): RecordGroup {
    if (this.#resource === undefined || !this.#isSameProcess()) this.#learnProcess()
    const [logger] = this.#scanner.placeOf(KEY.logger)
    const [from, to] = this.#scanner.placeOf(this.#lines[logger] === BYTE.quote ? KEY.logger : KEY.name)
    const hash = hashOf(this.#lines, from, to)
    const known = this.#scopes.get(hash)
    if (known !== undefined && known.logger.length === to - from && isAt(this.#lines, from, known.logger)) return known.group
    const group = this.#groups.group(this.#resource as Attributes, this.#scopeOf())
    this.#scopes.set(hash, { logger: this.#lines.subarray(from, to), group })
    return group
  }

  #scopeOf(): string {
    for (const key of [KEY.logger, KEY.name]) {
      const value = this.#valueOf(key)
      if (typeof value === 'string') return value
    }
    return ''
  }

  #isSameProcess(): boolean {
    for (let i = 0; i < WHO.length; i++) {
      const [from, to] = this.#scanner.placeOf(WHO[i] as number)
      const known = this.#who[i] as Uint8Array
      if (to - from !== known.length || !isAt(this.#lines, from, known)) return false
    }
    return true
  }

  #learnProcess(): void {
    const said: Record<string, unknown> = {}
    WHO.forEach((key, i) => {
      const [from, to] = this.#scanner.placeOf(key)
      this.#who[i] = this.#lines.subarray(from, to)
      if (to !== 0) said[KEY_NAMES[key] as string] = this.#valueOf(key)
    })
    this.#resource = this.#reader.resourceOf(said)
    this.#scopes.clear()
  }

  #valueOf(key: number): unknown {
    const [from, to] = this.#scanner.placeOf(key)
    return to === 0 ? undefined : parsed(this.#lines, from, to)
  }
}

function writeLevel(out: ProtobufWriter, severity: number, text: string): void {
  out.int(2, severity)
  out.text(3, text)
}

/** The memory in which requests are made, one after the other. */
export class LogMemory {
  /** What was learned of lines. */
  readonly lines = new LineMemory()
  #writer = new ProtobufWriter(FIRST_BYTES)

  /** A writer that has written nothing; the one before must not be used any more. */
  writer(): ProtobufWriter {
    if (this.#writer.capacity > MAX_KEPT_BYTES) this.#writer = new ProtobufWriter(FIRST_BYTES)
    this.#writer.cut(0)
    return this.#writer
  }
}
