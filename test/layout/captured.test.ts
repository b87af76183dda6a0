import { expect } from 'chai'
import fc from 'fast-check'
import { mdc, runWithTrace } from 'tracelane'
import { currentScope, newTrace } from '../../lib/context'
import { captureEvent, captureLine, type LogEvent, marked, type Statement } from '../../lib/event'
import { CaptureCodec, CapturedRenderer, jsonLayout, MAX_COLUMNS, type Origin } from '../../lib/layout'
import { heavy } from '../support'
import { eventOf, parts } from '../support/any-event'

const RUNS = heavy ? 3_000 : 60
const ORIGIN: Origin = { service: 'orders', caller: true }
const FIRST_SEQ = 98

/** One batch, from the thread that logs to the one that writes. */
class Batch {
  readonly codec: CaptureCodec
  readonly #layout: (event: LogEvent, seq: number) => string
  readonly #renderer = new CapturedRenderer()
  #rows = new Float64Array(1_000_000)
  #at = 0
  #count = 0
  #records = ''
  #expected = ''

  constructor(origin: Origin = ORIGIN, ordering = true) {
    this.codec = new CaptureCodec(origin, ordering)
    this.#layout = jsonLayout(origin, ordering)
  }

  take(event: LogEvent, seq: number): void {
    const text = this.codec.capture(event, seq)
    this.#records += text
    this.#at = this.codec.take(this.#rows, this.#at)
    this.#count++
    this.#expected += this.#layout(event, seq)
  }

  /** What became of the batch, and what should have. */
  end(): { lines: string; expected: string } {
    const dictionary = Buffer.from(this.codec.dictionary())
    const rows = this.#rows.slice(0, this.#at)
    const records = Buffer.from(this.#records)
    const render = (renderer: CapturedRenderer): string => renderer.render(dictionary, rows, this.#count, records).toString()
    const lines = render(this.#renderer)
    expect(render(this.#renderer), 'the second time').to.equal(lines)
    expect(render(new CapturedRenderer()), 'by another one').to.equal(lines)
    const expected = this.#expected
    this.#at = 0
    this.#count = 0
    this.#records = ''
    this.#expected = ''
    return { lines, expected }
  }

  check(): void {
    const { lines, expected } = this.end()
    expect(lines).to.equal(expected)
  }
}

const origins = fc.record({
  service: fc.constantFrom(undefined, 'orders', 'ö"\ud800'),
  caller: fc.boolean(),
  redaction: fc.constantFrom<NonNullable<Origin['redaction']>>(
    true,
    false,
    { keys: ['a.b', 'user'], mode: 'remove' },
    { paths: ['*.own', 'a', 'items[*]'], hashKey: '0123456789abcdef' },
  ),
})

const SECRETS = ['password=x1', 'https://u:p@host/?sig=1', 'Bearer abc.def.1', 'plain', '', 'ä€𝄞', '\u007f', 'x'.repeat(300)]
const MSGS = ['order placed', 'token=abc', 'ünï', '']
/* As an application says things: again and again, with other values. */
const usual = fc.record({
  msg: fc.oneof(fc.constantFrom(...MSGS), fc.string({ unit: 'binary', maxLength: 5 })),
  logger: fc.constantFrom('a', 'b.c'),
  fields: fc.option(
    fc.dictionary(
      fc.constantFrom('a', 'userId', 'password', 'time', 'rate', 'ä', '7', 'user', 'err'),
      fc.oneof(
        fc.constantFrom(...SECRETS),
        fc.string({ unit: 'binary', maxLength: 9 }),
        fc.double(),
        fc.integer(),
        fc.integer({ min: -500, max: 2 ** 36 }).map((cents) => cents / 100),
        fc.constantFrom(
          -0,
          2 ** 31,
          -(2 ** 31),
          2 ** 53,
          1e21,
          0.1 + 0.2,
          1.005,
          0.01,
          0.1,
          2 ** 30 / 100,
          true,
          null,
          undefined,
        ),
      ),
      { maxKeys: 5 },
    ),
    { nil: undefined },
  ),
})

describe('captured events', function () {
  this.timeout(heavy ? 600_000 : 60_000)

  it('become the lines of the JSON layout, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 5 }), origins, fc.boolean(), (said, origin, ordering) => {
        const batch = new Batch(origin, ordering)
        const events = said.map(eventOf)
        for (const [i, event] of events.entries()) {
          batch.take(event, FIRST_SEQ + i)
          batch.take({ ...event, err: undefined, caller: undefined }, FIRST_SEQ + i)
        }
        batch.check()
      }),
      { numRuns: RUNS },
    )
  })

  it('become these lines in the usual mix, batch after batch, in traces that change', () => {
    const scopes = [1, 2, 3].map((i) => {
      const scope = runWithTrace(newTrace(), () => {
        if (i > 1) mdc.put('tenant', `t${i}`)
        if (i > 2) mdc.put('userId', 'mdc')
        return currentScope()
      })
      return scope
    })
    const place = fc.tuple(fc.nat(3), fc.nat(9))
    fc.assert(
      fc.property(fc.array(fc.array(fc.tuple(usual, place), { maxLength: 30 }), { maxLength: 4 }), origins, (batches, origin) => {
        const batch = new Batch(origin)
        let seq = 1
        for (const events of batches) {
          for (const [said, [scope, kind]] of events) {
            const event = captureEvent(scopes[scope], { level: kind === 1 ? 'warn' : 'info', ...said })
            const clock = kind === 2 ? { hlc: 'fffffffffffe00ff', time: event.time + 1 } : {}
            const marks = kind === 3 ? { rate: 0.25 } : kind === 4 ? { replayed: true as const } : {}
            batch.take(marked({ ...event, ...clock }, marks), seq++)
          }
          batch.check()
        }
      }),
      { numRuns: RUNS },
    )
  })

  it('become these lines when another logger has finished them, or their clock is none', () => {
    const batch = new Batch()
    const line = {
      level: 'info',
      logger: 'p',
      msg: 'm',
      hlc: undefined,
      read: () => ({ fields: undefined, err: undefined }),
    } as const
    for (const text of ['{"a":1}', '{}', 'no JSON\u007f\u0001', '{"token":"x"}', '{"é":"\ud800"}']) {
      batch.take(captureLine(undefined, { ...line, line: text }), 5)
    }
    batch.take({ ...captureEvent(undefined, { level: 'info', logger: 'a', msg: 'x' }), hlc: 'none' }, 6)
    batch.take({ ...captureEvent(undefined, { level: 'info', logger: 'a', msg: 'x' }), traceId: '\n\0', spanId: '\u0001' }, 7)
    const { lines, expected } = batch.end()
    expect(lines).to.equal(Buffer.from(expected).toString())
  })

  it('keep the same messages apart from those that differ each time, and names without end from filling the memory', () => {
    const batch = new Batch()
    const say = (i: number): Statement => ({
      level: i % 3 === 0 ? 'warn' : 'info',
      logger: `l${i % 2}`,
      msg: i % 5 === 0 ? `order ${i}` : i % 7 === 0 ? `"ö${i}"` : 'same',
      fields: i % 11 === 0 ? { [`id${i}`]: i, [`é${i}`]: 'x' } : { n: i, s: `v${i % 3}`, o: { i } },
    })
    for (let i = 1; i <= 60_000; i++) {
      batch.take(captureEvent(undefined, say(i)), i)
      if (batch.codec.dictionarySize > 64 * 1024 || i % 1000 === 0) batch.check()
    }
    batch.check()
  })

  it('say on how many columns they lie, up to a bound, and a line that needs more is finished', () => {
    const batch = new Batch()
    for (const names of [0, 1, MAX_COLUMNS - 7, MAX_COLUMNS - 6, MAX_COLUMNS - 5, 200]) {
      const fields = Object.fromEntries(Array.from({ length: names }, (_, i) => [`n${i}`, i]))
      batch.take(captureEvent(undefined, { level: 'info', logger: 'wide', msg: 'x', fields }), 1)
      expect(batch.codec.columns).to.be.at.most(MAX_COLUMNS)
    }
    batch.check()
  })

  it('do not share what is long, so that a small batch cannot become more lines than the memory holds', () => {
    const codec = new CaptureCodec(ORIGIN, true)
    const scope = runWithTrace(() => {
      mdc.put('long', 'x'.repeat(10_000))
      return currentScope()
    })
    const wide = { level: 'info', logger: 'y'.repeat(10_000), msg: 'x' } as const
    for (const event of [captureEvent(scope, { ...wide, logger: 'a' }), captureEvent(undefined, wide)]) {
      expect(codec.capture(event, 1).length).to.be.above(10_000)
    }
    const batch = new Batch()
    batch.take(captureEvent(scope, wide), 1)
    batch.check()
  })

  it('are frozen at the call', () => {
    const batch = new Batch()
    const inner = { state: 'before' }
    const fields = { inner, list: [1], name: 'before' }
    batch.take(captureEvent(undefined, { level: 'info', logger: 'a', msg: 'x', fields }), 1)
    inner.state = 'after'
    fields.list.push(2)
    fields.name = 'after'
    batch.check()
  })

  it('have no secret, neither in the records nor in the dictionary', () => {
    const codec = new CaptureCodec({ service: 'x', redaction: { paths: ['card.no'] } }, true)
    const rows = new Float64Array(MAX_COLUMNS)
    const scope = runWithTrace(() => {
      mdc.put('sessionId', 'canary-1')
      return currentScope()
    })
    const fields = { password: 'canary-2', url: 'http://a/?sig=canary-3', card: { no: 'canary-4' }, ok: 'password=canary-5' }
    let all = ''
    for (const msg of ['token=canary-6', ...Array.from({ length: 70 }, (_, i) => `token=canary-${i + 10}`)]) {
      all += codec.capture(captureEvent(scope, { level: 'info', logger: 'a', msg, fields }), 1)
      codec.take(rows, 0)
    }
    all += codec.dictionary()
    expect(all).to.include('[redacted]').and.not.include('canary')
  })

  it('leave nothing in the batch when they are not taken, and may be taken into the next one', () => {
    const batch = new Batch()
    const other = captureEvent(undefined, { level: 'info', logger: 'other', msg: 'x', fields: { a: 1 } })
    batch.codec.capture(other, 1)
    expect(batch.codec.dictionarySize).to.equal(0)
    batch.take(captureEvent(undefined, { level: 'info', logger: 'a', msg: 'x', fields: { a: 'text' } }), 2)
    expect(batch.codec.capture(other, 3)).to.equal('')
    batch.check()
    const rows = new Float64Array(MAX_COLUMNS)
    batch.codec.take(rows, 0)
    const lines = new CapturedRenderer().render(Buffer.from(batch.codec.dictionary()), rows, 1, Buffer.alloc(0))
    expect(lines.toString()).to.equal(jsonLayout(ORIGIN, true)(other, 3))
  })

  it('may log themselves while they are captured', () => {
    const batch = new Batch()
    let seq = 1
    const event = (fields: Record<string, unknown>): LogEvent =>
      captureEvent(undefined, { level: 'info', logger: 'a', msg: 'outer', fields })
    const chatty = (depth: number, log: (event: LogEvent) => void): LogEvent =>
      event({
        before: depth,
        inner: {
          toJSON() {
            if (depth < 12) log(chatty(depth + 1, log))
            return 'told'
          },
        },
        after: `d${depth}`,
      })
    const rows = new Float64Array(100_000)
    const taken: LogEvent[] = []
    let at = 0
    let records = ''
    const log = (said: LogEvent): void => {
      const text = batch.codec.capture(said, seq)
      at = batch.codec.take(rows, at)
      records += text
      taken.push(said)
      seq++
    }
    log(chatty(0, log))
    const lines = new CapturedRenderer()
      .render(Buffer.from(batch.codec.dictionary()), rows, taken.length, Buffer.from(records))
      .toString()
    const told = lines
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(told.map(({ before, inner, after }) => ({ before, inner, after }))).to.deep.equal(
      Array.from({ length: 13 }, (_, i) => ({ before: 12 - i, inner: 'told', after: `d${12 - i}` })),
    )
  })
})
