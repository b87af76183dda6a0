import fc from 'fast-check'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

/* Texts as they stand in a line: escapes of all kinds, characters of all lengths, half a surrogate pair. */
const text = fc.oneof(
  fc.string({ maxLength: 12 }).map((value) => JSON.stringify(value)),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '"\\u00e4\\/\\b"',
    '"\\ud800"',
    '"\\ud83d\\ude00"',
    '"a\\"b\\\\"',
    '"\u2028\u007f"',
    `"${'x'.repeat(130)}"`,
    `"${'ä'.repeat(9000)}"`,
  ),
)
const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.integer({ min: -5000, max: 5000 }).map((value) => String(value / 100)),
  fc.constantFrom(
    '-0',
    '1.0',
    '0.10',
    '1E3',
    '1e-7',
    '1e400',
    '-1e400',
    '9007199254740991',
    '9007199254740993',
    '12345678901234567890',
    '123456789012345',
    '0.123456789012345678',
  ),
)
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    number,
    fc.constantFrom('true', 'false', 'null'),
    fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
    fc.array(fc.tuple(fc.constantFrom('a', 'b', '1', '__proto__', 'ö', 'c\\n'), tie('value')), { maxLength: 4 }).map(objectOf),
  ),
}))

type Member = readonly [key: string, value: string]

function objectOf(members: readonly Member[]): string {
  return `{${members.map(([key, said]) => `"${key}":${said}`).join()}}`
}

const level = fc.constantFrom('"info"', '"warn"', '30')
const time = fc.oneof(
  fc.integer({ min: 1_699_999_990_000, max: 1_700_100_000_000 }).map(String),
  fc.constantFrom('1700000000123.25', '0', '-5', '"no"', 'null', '1e14', '9e15'),
)
/* What is the same for all lines of a statement; few, so that each comes again. */
const heads = fc.constantFrom<readonly Member[]>(
  [
    ['level', '"info"'],
    ['logger', '"a"'],
    ['msg', '"order placed"'],
    ['service', '"s"'],
    ['host', '"h"'],
    ['pid', '7'],
    ['instance', '"00c0ffee00c0ffee"'],
  ],
  [
    ['level', '"info"'],
    ['logger', '"a"'],
    ['msg', '"order placed"'],
    ['service', '"s"'],
    ['host', '"h"'],
    ['pid', '71'],
    ['instance', '"00c0ffee00c0ffee"'],
  ],
  [
    ['level', '"warn"'],
    ['logger', '"b\\u00e4"'],
    ['msg', '"ö\\n"'],
    ['host', '"h"'],
    ['pid', '7'],
    ['thread', '2'],
    ['instance', '"00c0ffee00c0ffee"'],
  ],
  [
    ['level', '"info"'],
    ['logger', '"tracelane.span"'],
    ['msg', '"GET /"'],
    ['service', '"s"'],
    ['host', '"h"'],
    ['pid', '7'],
  ],
  [
    ['log.level', '"info"'],
    ['message', '"m"'],
    ['ecs.version', '"8.10.0"'],
    ['log.logger', '"a"'],
    ['host.hostname', '"h"'],
    ['process.pid', '7'],
  ],
  [
    ['level', '30'],
    ['pid', '7'],
    ['hostname', '"h"'],
    ['name', '"p"'],
    ['msg', '"m"'],
  ],
  [
    ['level', '"info"'],
    ['logger', '5'],
    ['name', '"p"'],
    ['msg', '{"a":[1]}'],
  ],
  [],
)
const ids = fc.constantFrom<readonly Member[]>(
  [
    ['traceId', `"${'4B'.repeat(16)}"`],
    ['spanId', `"${SPAN}"`],
  ],
  [],
  [
    ['traceId', `"${TRACE}"`],
    ['spanId', `"${SPAN}"`],
  ],
  [
    ['traceId', `"${'0'.repeat(32)}"`],
    ['spanId', '"short"'],
  ],
  [
    ['trace.id', `"${TRACE}"`],
    ['span.id', `"${SPAN}"`],
  ],
  [],
)
const place = fc.oneof(
  fc.nat(1e6).map((seq): Member[] => [
    ['hlc', '"018bcfe568000000"'],
    ['seq', String(seq)],
  ]),
  fc.nat(1e6).map((seq): Member[] => [
    ['tracelane.instance', '"00c0ffee00c0ffee"'],
    ['tracelane.hlc', '"018bcfe568000000"'],
    ['tracelane.seq', String(seq)],
  ]),
  fc.constantFrom<Member[]>(
    [['seq', '"7"']],
    [
      ['seq', '1.5'],
      ['instance', 'null'],
    ],
    [],
  ),
)
const keys = fc.constantFrom(
  ...[
    'order',
    'total',
    'x',
    '__proto__',
    '7',
    'ключ',
    'k\\t',
    'constructor',
    'a'.repeat(70),
    'err',
    'caller',
    'rate',
    'replayed',
    'span',
    'parentSpanId',
  ],
  ...[
    'severityText',
    'eventName',
    'time',
    'level',
    'logger',
    'msg',
    'service',
    'instance',
    'traceId',
    '@timestamp',
    'name',
    'hostname',
    'seq',
    'hlc',
  ],
)
const special = fc.constantFrom<Member>(
  ['err', '{"type":"E","message":"m","stack":"E: m\\n at x"}'],
  ['caller', '{"file":"a.ts","line":3,"function":"f"}'],
  [
    'span',
    '{"kind":"server","name":"GET /a","outcome":"error","durationMs":1.5,"status":503,"method":"GET","route":"/a","error":"slow"}',
  ],
  ['parentSpanId', `"${'b'.repeat(16)}"`],
  ['severityText', '"WARNING"'],
  ['eventName', '"e"'],
  ['rate', '0.5'],
)
const fields = fc.array(fc.oneof(fc.tuple(keys, value), special), { maxLength: 5 })

const ours = fc
  .tuple(time, fc.constantFrom(false, false, false, true), heads, ids, place, fields)
  .map(([at, isDated, head, trace, seq, more]): Member[] => [
    isDated ? ['@timestamp', dateOf(at)] : ['time', at],
    ...head,
    ...trace,
    ...seq,
    ...more,
  ])
const foreign = fc
  .tuple(level, time, fields)
  .map(([severity, at, more]): Member[] => [['level', severity], ['pid', '1'], ...more, ['time', at]])

function dateOf(at: string): string {
  const ms = Number(at)
  return Number.isFinite(ms) && Math.abs(ms) < 8e15 ? JSON.stringify(new Date(ms).toISOString()) : '"soon"'
}

/* Not as layouts write them: white space, more than one key of a name is in them anyway, broken off, no object, bytes that are no text. */
const spoiled = fc
  .tuple(fc.oneof(ours, foreign).map(objectOf), fc.nat(400), fc.constantFrom('cut', 'space', 'none', 'bytes'))
  .map(([line, at, how]) => {
    if (how === 'cut') return Buffer.from(line.slice(0, at % line.length))
    if (how === 'space') return Buffer.from(line.replaceAll('":', '": '))
    if (how === 'bytes') return Buffer.concat([Buffer.from('{"time":1,"msg":"'), Buffer.from([0xff, 0xc3]), Buffer.from('"}')])
    return Buffer.from(['', '[]', 'null', '"text"', 'no JSON', '{}'][at % 6] as string)
  })

/** Lines without their line breaks: of our layouts, of others, and no JSON; some in many. */
export const randomLines: fc.Arbitrary<Buffer[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: ours.map((members) => Buffer.from(objectOf(members))) },
    { weight: 3, arbitrary: foreign.map((members) => Buffer.from(objectOf(members))) },
    { weight: 1, arbitrary: spoiled },
  ),
  { minLength: 1, maxLength: 12 },
)
