import { expect } from 'chai'
import fc from 'fast-check'
import { mdc, runWithTrace } from 'tracelane'
import { currentScope, newTrace } from '../../lib/context'
import { captureEvent, captureLine, type LogEvent, marked, type Statement } from '../../lib/event'
import { CaptureCodec, CapturedRenderer, jsonLayout, MAX_COLUMNS, type Origin } from '../../lib/layout'
import { heavy } from '../support'
import { eventOf, parts } from '../support/any-event'

const RUNS = heavy ? 3_000 : 25
const ORIGIN: Origin = { service: 'orders', caller: true }
const FIRST_SEQ = 98

/** One batch, from the thread that logs to the one that writes. */
class Batch {
  readonly codec: CaptureCodec
  readonly #layout: (event: LogEvent, seq: number) => string
  readonly #renderer = new CapturedRenderer()
  #expected = ''

  constructor(origin: Origin = ORIGIN, ordering = true) {
    this.codec = new CaptureCodec(origin, ordering)
    this.#layout = jsonLayout(origin, ordering)
  }

  take(event: LogEvent, seq: number): void {
    this.codec.capture(event, seq)
    this.codec.take()
    this.#expected += this.#layout(event, seq)
  }

  /** What became of the batch, and what should have. */
  end(): { lines: string; expected: string } {
    const { dictionary, rows, count, records } = this.codec.end()
    const words = Buffer.from(dictionary)
    const render = (renderer: CapturedRenderer): string => renderer.render(words, rows, count, records).toString()
    const lines = render(this.#renderer)
    expect(render(this.#renderer), 'the second time').to.equal(lines)
    expect(render(new CapturedRenderer()), 'by another one').to.equal(lines)
    const expected = this.#expected
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

  it('keep the traces of others right when an id is none', () => {
    const batch = new Batch()
    const event = captureEvent(runWithTrace(currentScope), { level: 'info', logger: 'a', msg: 'x' })
    batch.take({ ...event, traceId: 'é\u001e'.repeat(16) }, 1)
    batch.take(event, 2)
    const { lines, expected } = batch.end()
    expect(lines).to.equal(expected.replaceAll('é', '?'))
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
      if (batch.codec.size > 64 * 1024 || i % 1000 === 0) batch.check()
    }
    batch.check()
  })

  it('are finished lines if they have more fields than a row has columns', () => {
    const batch = new Batch()
    for (const names of [0, 1, MAX_COLUMNS - 8, MAX_COLUMNS - 7, MAX_COLUMNS - 6, 200]) {
      const fields = Object.fromEntries(Array.from({ length: names }, (_, i) => [`n${i}`, i]))
      batch.take(captureEvent(undefined, { level: 'info', logger: 'wide', msg: 'x', fields }), 1)
    }
    batch.check()
  })

  it('are finished lines if what they share is long, so that a small batch cannot become more than the memory holds', () => {
    const scope = runWithTrace(() => {
      mdc.put('long', 'x'.repeat(10_000))
      return currentScope()
    })
    const said = { level: 'info', logger: 'a', msg: 'x' } as const
    const batch = new Batch()
    for (const event of [captureEvent(scope, said), captureEvent(undefined, { ...said, logger: 'y'.repeat(10_000) })]) {
      expect(batch.codec.capture(event, 1)).to.be.above(10_000)
      batch.take(event, 1)
    }
    batch.check()
  })

  it('grow beyond any memory that was there before', () => {
    const batch = new Batch()
    for (const size of [100, 40_000, 3_000_000, 10]) {
      batch.take(captureEvent(undefined, { level: 'info', logger: 'a', msg: 'x', fields: { text: 'ä'.repeat(size), n: 1 } }), 1)
      for (let i = 0; i < 3_000; i++)
        batch.take(captureEvent(undefined, { level: 'info', logger: 'a', msg: 'x', fields: { i } }), 2)
      batch.check()
    }
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
    const scope = runWithTrace(() => {
      mdc.put('sessionId', 'canary-1')
      return currentScope()
    })
    const fields = { password: 'canary-2', url: 'http://a/?sig=canary-3', card: { no: 'canary-4' }, ok: 'password=canary-5' }
    for (const msg of ['token=canary-6', ...Array.from({ length: 70 }, (_, i) => `token=canary-${i + 10}`)]) {
      codec.capture(captureEvent(scope, { level: 'info', logger: 'a', msg, fields }), 1)
      codec.take()
    }
    const { dictionary, records } = codec.end()
    expect(dictionary + Buffer.from(records).toString())
      .to.include('[redacted]')
      .and.not.include('canary')
  })

  it('leave nothing in the batch when they are not taken, and may be taken into the next one', () => {
    for (const fields of [{ a: 1, b: 'text' }, { a: { b: 'ä'.repeat(50_000) } }]) {
      const batch = new Batch()
      const other = captureEvent(undefined, { level: 'info', logger: 'other', msg: 'x', fields })
      const same = captureEvent(undefined, { level: 'info', logger: 'a', msg: 'x', fields: { a: 'text' } })
      batch.codec.capture(other, 1)
      expect(batch.codec.size).to.equal(0)
      batch.take(same, 2)
      batch.codec.capture(other, 3)
      batch.check()
      batch.codec.take()
      const last = batch.codec.end()
      const lines = new CapturedRenderer().render(Buffer.from(last.dictionary), last.rows, last.count, last.records)
      expect(lines.toString()).to.equal(jsonLayout(ORIGIN, true)(other, 3))
      expect(batch.codec.end().count).to.equal(0)
    }
  })

  for (const ending of [false, true]) {
    it(`may log themselves while they are captured${ending ? ', and end the batch each time' : ''}`, () => {
      const codec = new CaptureCodec(ORIGIN, true)
      const renderer = new CapturedRenderer()
      let lines = ''
      let sizes = 0
      const end = (): void => {
        const { dictionary, rows, count, records } = codec.end()
        lines += renderer.render(Buffer.from(dictionary), rows, count, records).toString()
      }
      let seq = 1
      const log = (fields: Record<string, unknown>): void => {
        const size = codec.capture(captureEvent(undefined, { level: 'info', logger: 'a', msg: 'outer', fields }), seq++)
        sizes += size
        codec.take()
        if (ending) end()
      }
      const chatty = (depth: number): Record<string, unknown> => ({
        before: depth,
        inner: {
          toJSON() {
            if (depth < 5) {
              log({ note: `in ${depth}` })
              log(chatty(depth + 1))
            }
            return 'told'
          },
        },
        after: `d${depth}`,
      })
      log({ first: 1 })
      log(chatty(0))
      log({ last: 1 })
      end()
      expect(sizes).to.be.above(500)
      const told = lines
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(told.map(({ first, note, after, last }) => first ?? note ?? after ?? last)).to.deep.equal([
        ...[1, 'in 0', 'in 1', 'in 2', 'in 3', 'in 4', 'd5', 'd4', 'd3', 'd2', 'd1', 'd0', 1],
      ])
      expect(told.map((line) => line['before']).filter((before) => before !== undefined)).to.deep.equal([5, 4, 3, 2, 1, 0])
    })
  }
})
