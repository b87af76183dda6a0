import { expect } from 'chai'
import fc from 'fast-check'
import { captureEvent, LEVELS, type LogEvent } from '../../lib/event'
import { createLayout, type Layout, type LayoutOption } from '../../lib/layout'
import { viewError } from '../../lib/layout/error-view'
import { FULL_STACK, stackLines } from '../../lib/layout/stack-text'
import { heavy } from '../support'

const RUNS = heavy ? 5_000 : 60
const ORIGIN = { service: 'orders', caller: true }
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/* What a pattern line has where an event's own texts are. */
const PATTERN = '%d{ISO8601, UTC} %-5level [%X] %logger{10} %msg %kvp %fields%n%ex{full}'

const layoutOf = (option: LayoutOption): Layout => createLayout(option, ORIGIN, { ordering: true, terminal: false })

class Throwing {
  get bad(): never {
    throw new Error('getter')
  }

  toString(): never {
    throw new Error('toString')
  }
}

function cycle(value: unknown): unknown {
  const self: Record<string, unknown> = { value }
  self['self'] = [self]
  return self
}

function withGetter(value: unknown): unknown {
  return Object.defineProperties({ value }, { bad: { enumerable: true, get: () => new Throwing().bad } })
}

function hostileProxy(): unknown {
  const refuse = (): never => {
    throw new Error('trap')
  }
  return new Proxy({}, { get: refuse, ownKeys: refuse, getPrototypeOf: refuse, has: refuse, getOwnPropertyDescriptor: refuse })
}

function revokedProxy(): unknown {
  const { proxy, revoke } = Proxy.revocable([], {})
  revoke()
  return proxy
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '\ud800',
    'a\udc00b',
    '\u2028',
    'x\r\n{"level":"error"}',
    '\u001b[2J',
    '__proto__',
    '"',
    '\\',
    '',
    ' '.repeat(3),
  ),
  fc.string({ minLength: 1, maxLength: 5 }).map((part) => part.repeat(20_000)),
)
const key = fc.oneof(
  text,
  fc.constantFrom('time', 'level', 'logger', 'msg', 'traceId', 'spanId', 'hlc', 'seq', 'err', 'user', 'task', 'span', 'rate'),
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a.b', 'trace.id', '@timestamp', 'message', 'labels'),
  fc.constantFrom(
    'log.level',
    'ecs.version',
    'error',
    'tracelane.seq',
    'event.dataset',
    'http',
    'user.name',
    'tags',
    'exception.type',
  ),
)
/* How to make a value: fast-check looks into values, and some of these let nobody look. */
type Recipe = () => unknown

const given = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Recipe> => arbitrary.map((made) => () => made)
const always = (recipe: Recipe): fc.Arbitrary<Recipe> => fc.constant(recipe)

const leaf: fc.Arbitrary<Recipe> = fc.oneof(
  given(text),
  given(fc.double()),
  given(fc.integer()),
  given(fc.boolean()),
  given(fc.bigInt()),
  given(fc.constantFrom<unknown>(null, undefined, -0, Number.NaN, Infinity, Symbol('s'))),
  given(fc.date({ noInvalidDate: false })),
  given(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))),
  given(fc.float32Array({ maxLength: 5 })),
  given(fc.sparseArray(fc.integer(), { maxLength: 8 })),
  given(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
      withSparseArray: true,
    }),
  ),
  always(() => new Throwing()),
  always(hostileProxy),
  always(revokedProxy),
  always(() => () => 1),
  always(() => /x/g),
  always(() => new WeakMap()),
  always(() => ({ toJSON: () => new Throwing().bad })),
)
const value: fc.Arbitrary<Recipe> = fc.letrec<{ node: Recipe }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('node'), { maxLength: 4 }).map((items) => () => items.map((item) => item())),
    fc.array(fc.tuple(key, tie('node')), { maxLength: 4 }).map((entries) => () => recordOf(entries)),
    fc
      .array(fc.tuple(tie('node'), tie('node')), { maxLength: 3 })
      .map((entries) => () => new Map(entries.map(([k, v]) => [k(), v()]))),
    fc.array(tie('node'), { maxLength: 3 }).map((items) => () => new Set(items.map((item) => item()))),
    tie('node').map((inner) => () => cycle(inner())),
    tie('node').map((inner) => () => withGetter(inner())),
    fc.tuple(text, tie('node'), tie('node')).map(
      ([message, cause, own]) =>
        () =>
          Object.assign(new Error(message, { cause: cause() }), { own: own() }),
    ),
    fc.tuple(fc.array(tie('node'), { maxLength: 3 }), text).map(
      ([errors, message]) =>
        () =>
          new AggregateError(
            errors.map((one) => one()),
            message,
          ),
    ),
  ),
})).node
const failure: fc.Arbitrary<Recipe> = fc.oneof(
  value,
  fc.tuple(text, text, value).map(
    ([name, stack, cause]) =>
      () =>
        Object.assign(new Error('x', { cause: cause() }), { name, stack }),
  ),
)
const fields: fc.Arbitrary<Recipe> = fc.oneof(
  always(() => undefined),
  fc.array(fc.tuple(key, value), { maxLength: 6 }).map((entries) => () => recordOf(entries)),
  always(() => withGetter(1)),
)

/* Every name is an own property, `__proto__` too, as JSON.parse makes it. */
function recordOf(entries: readonly (readonly [string, Recipe])[]): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (const [name, recipe] of entries) {
    Object.defineProperty(record, name, { value: recipe(), enumerable: true, configurable: true, writable: true })
  }
  return record
}

interface Parts {
  readonly level: LogEvent['level']
  readonly msg: string
  readonly logger: string
  readonly mdc: Record<string, string | number | boolean>
  readonly fields: Recipe
  readonly err: Recipe
  readonly inTrace: boolean
}

const parts: fc.Arbitrary<Parts> = fc.record({
  level: fc.constantFrom(...LEVELS),
  msg: text,
  logger: fc.oneof(text, fc.constantFrom('orders.checkout', 'tracelane.span', 'tracelane.task')),
  mdc: fc.dictionary(key, fc.oneof(text, fc.integer(), fc.boolean()), { maxKeys: 3 }),
  fields,
  err: failure,
  inTrace: fc.boolean(),
})

const IDS = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7', flags: 1 }
const NO_IDS = { traceId: undefined, spanId: undefined, flags: undefined }

function eventOf({ level, msg, logger, mdc, fields: some, err, inTrace }: Parts): LogEvent {
  const event = captureEvent(undefined, { level, logger, msg, fields: some() as Record<string, unknown>, err: err() })
  return { ...event, ...(inTrace ? IDS : NO_IDS), mdc, caller: { file: msg, line: 7, function: logger } }
}

type Line = Record<string, unknown>

/* The event's own fields, where each layout has them. */
const RESERVED: Readonly<Record<string, (line: Line) => Line>> = {
  json: ({ time, level, logger, msg, traceId, spanId, hlc, seq }) => ({ time, level, logger, msg, traceId, spanId, hlc, seq }),
  ecs: (line) => ({
    ...{
      time: Date.parse(String(line['@timestamp'])),
      level: line['log.level'],
      logger: line['log.logger'],
      msg: line['message'],
    },
    ...{ traceId: line['trace.id'], spanId: line['span.id'], hlc: line['tracelane.hlc'], seq: line['tracelane.seq'] },
  }),
  otel: otelReserved,
}

function otelReserved(line: Line): Line {
  const [{ scopeLogs }] = line['resourceLogs'] as [{ scopeLogs: [{ scope: { name: string }; logRecords: [Line] }] }]
  const [{ scope, logRecords }] = scopeLogs
  const [record] = logRecords
  const list = record['attributes'] as { key: string; value: Line }[]
  const attributes = Object.fromEntries(list.map(({ key: name, value: typed }) => [name, typed]))
  return {
    ...{ time: Number(String(record['timeUnixNano']).slice(0, -6)), level: String(record['severityText']).toLowerCase() },
    ...{ logger: scope.name, msg: (record['body'] as Line)['stringValue'], traceId: record['traceId'], spanId: record['spanId'] },
    ...{ hlc: attributes['tracelane.hlc']?.['stringValue'], seq: Number(attributes['tracelane.seq']?.['intValue']) },
  }
}

function check(property: fc.IProperty<unknown>): void {
  fc.assert(property, { numRuns: RUNS, ...(process.env['FC_SEED'] && { seed: Number(process.env['FC_SEED']) }) })
}

describe('every layout, for any event', function () {
  this.timeout(heavy ? 600_000 : 60_000)

  for (const [name, reserved] of Object.entries(RESERVED)) {
    const layout = layoutOf(name as 'json')

    it(`${name}: one line that parses, without any control character, with the event's own fields as they were`, () => {
      check(
        fc.property(parts, (said) => {
          const event = eventOf(said)
          const line = layout(event, 7)
          expect(line.endsWith('\n')).to.equal(true)
          expect(CONTROL.test(line.slice(0, -1))).to.equal(false)
          const { time, level, logger, msg, traceId, spanId, hlc } = event
          const seen = reserved(JSON.parse(line) as Line)
          expect(seen).to.deep.equal({ time, level, logger, msg, traceId, spanId, hlc, seq: 7 })
        }),
      )
    })
  }

  for (const option of ['json', 'ecs', 'otel', 'pretty', { pattern: PATTERN }] as const) {
    const name = typeof option === 'string' ? option : 'pattern'
    const layout = layoutOf(option)

    it(`${name}: the same text for the same event`, () => {
      check(
        fc.property(parts, (said) => {
          const event = eventOf(said)
          expect(layout(event, 7)).to.equal(layout(event, 7))
        }),
      )
    })
  }

  for (const option of ['pretty', { pattern: PATTERN }] as const) {
    const name = typeof option === 'string' ? option : 'pattern'

    it(`${name}: one line, and those of the stack, whatever the texts are`, () => {
      const layout = layoutOf(option)
      check(
        fc.property(parts, (said) => {
          const event = eventOf(said)
          const lines = layout(event, 7).split('\n')
          expect(lines.pop()).to.equal('')
          const stack = event.err === undefined ? 0 : stackLines(viewError(event.err), FULL_STACK).length
          // Pretty has one more for what an error has beside its stack.
          expect(lines.length - 1 - stack).to.be.oneOf(name === 'pretty' && stack > 0 ? [0, 1] : [0])
          expect(lines.filter((line) => CONTROL.test(line.replace(/^\t+/, '')))).to.deep.equal([])
        }),
      )
    })
  }
})
