import type { SeededRandom } from './random'

/** The headers that a trace context is read from. */
export const TRACE_HEADERS = ['traceparent', 'tracestate', 'baggage', 'tracelane-clock'] as const

/** Header lines of one request, names may repeat. */
export type HeaderLines = readonly (readonly [string, string])[]

const HEX = '0123456789abcdef'
const CONTROLS = Array.from({ length: 33 }, (_, i) => String.fromCharCode(i === 32 ? 127 : i)).join('')
const LATIN = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i + 128)).join('')
const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(i + 32)).join('')
const BEYOND = 'ÿ€\u2028\u2029\ufeff\u202e\ud800\udc00🦊\uff10\u0130\u0085\u009b'
/** What a real socket takes in a header value: tabs, printable ASCII and latin1. */
const ON_THE_WIRE = `\t${PRINTABLE}${LATIN}`
const ANYTHING = `${ON_THE_WIRE}${CONTROLS}${BEYOND}`

type Make = (random: SeededRandom) => string

const valid: Readonly<Record<string, Make>> = {
  traceparent: (r) => `00-${r.text(32, HEX)}-${r.text(16, HEX)}-${r.text(2, HEX)}`,
  tracestate: (r) => `foo=${r.text(8, HEX)},tl=${clock(r)},bar@x=1`,
  baggage: (r) => `user=${r.text(6, HEX)};p=1,k=%C3%A9`,
  'tracelane-clock': clock,
}

function clock(random: SeededRandom): string {
  const ms = random.pick([0, Date.now(), Date.now() + random.int(7_200_000), 2 ** 48 - 1])
  return ms.toString(16).padStart(12, '0') + random.text(4, HEX)
}

function mutated(value: string, random: SeededRandom, alphabet: string): string {
  let text = value
  for (let times = 1 + random.int(3); times > 0; times--) {
    const at = random.int(text.length + 1)
    const junk = random.text(1 + random.int(3), alphabet)
    const end = at + random.int(3)
    text = text.slice(0, at) + (random.oneIn(3) ? '' : junk) + text.slice(random.oneIn(2) ? at : end)
  }
  return text
}

/* Long values are made of few pieces, so that a million of them can be made. */
const bombs: Readonly<Record<string, Make>> = {
  traceparent: (r) => `cc-${r.text(32, HEX)}-${r.text(16, HEX)}-01-${'x'.repeat(r.int(9000))}`,
  tracestate: (r) =>
    r.oneIn(2)
      ? Array.from({ length: 100 }, (_, i) => `k${i}=${r.int(9)}`).join()
      : Array.from({ length: 30 }, (_, i) => `k${i}=${'v'.repeat(r.int(250) + 1)}`).join(),
  baggage: (r) =>
    r.pick([
      () => Array.from({ length: 300 }, (_, i) => `k${i}=v`).join(),
      () => `k=${'%ff'.repeat(2700)}`,
      () => `a=1,${','.repeat(7000)},b=2`,
      () => `k=1${';p'.repeat(3500)}`,
      () => `k=${'%0a'.repeat(50)}%00%1b[31m`,
    ])(),
  'tracelane-clock': (r) => 'f'.repeat(r.int(9000)),
}

function value(name: string, random: SeededRandom, alphabet: string): string {
  const make = valid[name] as Make
  switch (random.int(8)) {
    case 0:
    case 1:
      return make(random)
    case 2:
      return (valid[random.pick(TRACE_HEADERS)] as Make)(random)
    case 3:
      return make(random).slice(random.int(10), random.int(80))
    case 4:
      return random.text(random.int(80), alphabet)
    case 5:
      return random.oneIn(8) ? (bombs[name] as Make)(random) : make(random).toUpperCase()
    default:
      return mutated(make(random), random, alphabet)
  }
}

/** Header lines that a real HTTP parser lets through: malformed, oversized and repeated, at most 14 kB together. */
export function hostileLines(random: SeededRandom): HeaderLines {
  const lines: [string, string][] = []
  let size = 0
  for (const name of TRACE_HEADERS) {
    if (random.oneIn(6)) continue
    for (let times = random.oneIn(8) ? 2 + random.int(3) : 1; times > 0; times--) {
      const text = value(name, random, ON_THE_WIRE)
      size += text.length + name.length + 4
      if (size < 14_000) lines.push([random.oneIn(10) ? name.toUpperCase() : name, text])
    }
  }
  return lines
}

/** Any value that a carrier may hold where a header should be: texts, lists, bytes, other types, objects that throw. */
function anyValue(name: string, random: SeededRandom): unknown {
  const text = (): string => value(name, random, ANYTHING)
  switch (random.int(12)) {
    case 0:
      return [text(), text()]
    case 1:
      return [text()]
    case 2:
      return Buffer.from(text(), random.pick(['latin1', 'utf8', 'utf16le']))
    case 3:
      return random.pick<unknown>([
        null,
        undefined,
        7,
        true,
        Number.NaN,
        10n,
        Symbol('s'),
        {},
        [],
        [[]],
        () => text(),
        new Date(0),
      ])
    case 4:
      return [text(), random.pick<unknown>([null, 7, {}, Buffer.from(text())])]
    default:
      return text()
  }
}

/** A carrier with hostile values: a record, one whose getters throw, a Map, or an object with a `get` that throws. */
export function hostileCarrier(random: SeededRandom): Record<string, unknown> {
  const record: Record<string, unknown> = {}
  for (const name of TRACE_HEADERS) {
    if (random.oneIn(8)) continue
    const held = anyValue(name, random)
    if (random.oneIn(50)) Object.defineProperty(record, name, { enumerable: true, get: fault })
    else record[name] = held
  }
  if (random.oneIn(20)) return new Map(Object.entries(safe(record))) as unknown as Record<string, unknown>
  if (random.oneIn(50)) return { get: fault, set: fault }
  if (random.oneIn(50)) return new Proxy(record, { getOwnPropertyDescriptor: fault, get: fault })
  return record
}

function safe(record: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(record).filter((name) => Object.getOwnPropertyDescriptor(record, name)?.get === undefined)
  return Object.fromEntries(names.map((name) => [name, record[name]]))
}

function fault(): never {
  throw new Error('a hostile carrier')
}
