import fc from 'fast-check'
import { captureEvent, LEVELS, type LogEvent } from '../../lib/event'

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

/** What an event is made of. */
export interface Parts {
  readonly level: LogEvent['level']
  readonly msg: string
  readonly logger: string
  readonly mdc: Record<string, string | number | boolean>
  readonly fields: Recipe
  readonly err: Recipe
  readonly inTrace: boolean
}

/** Whatever an application may say. */
export const parts: fc.Arbitrary<Parts> = fc.record({
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

/** The event that `parts` say; values that nobody can look into are made here. */
export function eventOf({ level, msg, logger, mdc, fields: some, err, inTrace }: Parts): LogEvent {
  const event = captureEvent(undefined, { level, logger, msg, fields: some() as Record<string, unknown>, err: err() })
  return { ...event, ...(inTrace ? IDS : NO_IDS), mdc, caller: { file: msg, line: 7, function: logger } }
}
