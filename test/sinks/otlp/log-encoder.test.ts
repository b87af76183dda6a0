import { expect } from 'chai'
import fc from 'fast-check'
import { LogEncoder, LogMemory } from '../../../lib/sinks/otlp/log-encoder'
import { LineReader } from '../../../lib/sinks/otlp/record'
import { heavy } from '../../support'
import { randomLines } from '../../support/random-lines'
import { type Decoded, decodedLogs } from './otlp-server'

const SEVERITY = 13
const WHO = '"service":"s","host":"h","pid":7,"instance":"00c0ffee00c0ffee"'
const TRACE = '"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00f067aa0ba902b7"'

/* Where each line is, its break included. */
function placed(lines: readonly Buffer[]): { readonly bytes: Buffer; readonly rows: readonly (readonly [number, number])[] } {
  const bytes = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
  const rows: (readonly [number, number])[] = []
  for (const line of lines) rows.push([rows.at(-1)?.[1] ?? 0, (rows.at(-1)?.[1] ?? 0) + line.length + 1])
  return { bytes, rows }
}

function encode(
  lines: readonly Buffer[],
  memory: LogMemory,
  ordering: boolean,
  isPlain: boolean,
): { readonly records: Decoded[]; readonly fast: boolean[] } {
  const { bytes, rows } = placed(lines)
  const reader = new LineReader(ordering, { given: true })
  const encoder = new LogEncoder(bytes, reader, memory, ordering, true)
  const fast = rows.map(([start, end]) => {
    if (!isPlain && encoder.add(start, end, SEVERITY)) return true
    encoder.addReading(reader.read(bytes.toString('utf8', start, end), SEVERITY))
    return false
  })
  return { records: decodedLogs(encoder.finish()), fast }
}

/* A line that does not say when it was is of now. */
function timeless(records: readonly Decoded[]): unknown[] {
  return records.map(({ record, attributes: _, ...rest }) => {
    const { timeUnixNano, observedTimeUnixNano, ...others } = record
    const isNow = BigInt(timeUnixNano as string) > 1_750_000_000_000_000_000n
    return { ...rest, record: { ...others, times: isNow ? 'now' : [timeUnixNano, observedTimeUnixNano] } }
  })
}

describe('LogEncoder', () => {
  it('makes of the bytes of lines what LineReader and the writer of records make of them', () => {
    const memory = new LogMemory()
    let lines = 0
    let fast = 0
    fc.assert(
      fc.property(randomLines, fc.boolean(), (batch, ordering) => {
        const one = encode(batch, memory, ordering, false)
        expect(timeless(one.records)).to.deep.equal(timeless(encode(batch, new LogMemory(), ordering, true).records))
        lines += batch.length
        fast += one.fast.filter(Boolean).length
      }),
      { numRuns: heavy ? 5_000 : 400 },
    )
    expect(fast).to.be.greaterThan(lines / 8)
  })

  it('takes the lines of our layout and of pino as they are, without a LineReader', () => {
    const head = `{"time":1700000000123,"level":"info","logger":"a","msg":"m",${WHO}`
    const order = '"hlc":"018bcfe568000000","seq":300'
    const lines = [
      `${head},${order}}`,
      `${head},${TRACE},${order},"n":1,"half":-0.5,"text":"ä\\n","list":[1,{"b":null}],"yes":true}`,
      `${head},${TRACE},${order},"err":{"type":"E","message":"m","stack":"s"},"rate":0.5,"replayed":true}`,
      `${head.replace('"a"', '"tracelane.span"')},${TRACE},${order},"span":{"kind":"server","name":"GET /","outcome":"ok"}}`,
      `{"level":30,"time":1700000000123,"pid":7,"hostname":"h","name":"p","msg":"m",${TRACE},${order}}`,
    ].map((line) => Buffer.from(line))
    expect(encode(lines, new LogMemory(), true, false).fast).to.deep.equal(lines.map(() => true))
  })

  it('has no more than one key of a name, the last one', () => {
    const line = Buffer.from('{"time":1,"level":"info","msg":"a","n":1,"msg":"b","n":2}')
    const [record] = encode([line], new LogMemory(), true, false).records
    expect(record?.record).to.include({ body: 'b' })
    expect(record?.attributes).to.deep.equal({ n: 2 })
  })

  it('does not take one head for another that it begins with, or that ends in another way', () => {
    // Of each length of the last word of four bytes.
    for (const msg of ['m', 'mm', 'mmm', 'mmmm']) {
      const lines = ['17', '171', '18', '17'].map((pid) =>
        Buffer.from(`{"time":1,"level":"info","logger":"a","msg":"${msg}","pid":${pid},"seq":1}`),
      )
      const pids = encode(lines, new LogMemory(), true, false).records.map(({ resource }) => resource['process.pid'])
      expect(pids).to.have.members([17, 171, 18, 17])
    }
  })

  it('takes lines of any length, be they nothing but a head, and heads without a message', () => {
    const head = `{"time":1,"level":"info","logger":"a","msg":"m",${WHO}`
    const bare = `{"time":1,"level":"info","logger":"a",${WHO}`
    const lines = [head, head, bare, bare, `${head},"n":1`, `${bare},"n":1`, `${head},"t":"${'t'.repeat(200)}"`, head].map(
      (line) => Buffer.from(`${line}}`),
    )
    const { records, fast } = encode(lines, new LogMemory(), true, false)
    expect(fast).to.deep.equal(lines.map(() => true))
    expect(records).to.deep.equal(encode(lines, new LogMemory(), true, true).records)
  })

  it('has no more than one key of a name also where it knows which keys come next', () => {
    const line = (fields: string): Buffer => Buffer.from(`{"time":1,"level":"info","logger":"a","msg":"m",${WHO},${fields}}`)
    const lines = [line('"n":1,"m":2'), line('"n":1,"m":2'), line('"n":1,"n":2'), line('"n":3,"m":4,"n":5')]
    const { records, fast } = encode(lines, new LogMemory(), true, false)
    expect(fast).to.deep.equal([true, true, false, false])
    expect(records.map(({ attributes }) => attributes)).to.deep.equal([{ n: 1, m: 2 }, { n: 1, m: 2 }, { n: 2 }, { n: 5, m: 4 }])
  })

  it('forgets keys when lines have ever new ones, and then has no more than one of a name either', () => {
    const line = (fields: string): Buffer => Buffer.from(`{"time":1,"level":"info","logger":"a","msg":"m",${WHO},${fields}}`)
    const others = Array.from({ length: 1500 }, (_, i) => Buffer.from(`{"time":1,"key${i}":${i}}`))
    const lines = [line('"n":1,"m":2'), line('"n":1,"m":2'), ...others, line('"n":1,"n":2')]
    const { records, fast } = encode(lines, new LogMemory(), true, false)
    expect(fast.at(-1)).to.equal(false)
    expect(records.map(({ attributes }) => attributes)).to.have.deep.members([
      { n: 1, m: 2 },
      { n: 1, m: 2 },
      ...others.map((_, i) => ({ [`key${i}`]: i })),
      { n: 2 },
    ])
  })

  it('has the time of each line, be it that of the line before, of one before another kind of line, or another one', () => {
    const ours = (time: number): string => `{"time":${time},"level":"info","logger":"a","msg":"m",${WHO}}`
    const pinos = (time: number): string => `{"level":30,"time":${time},"pid":7,"hostname":"h","msg":"m"}`
    const lines = [ours(11), ours(11), pinos(22), ours(11), ours(12), ours(123), ours(12), '{"time":12}', ours(12)]
    const { records } = encode(
      lines.map((line) => Buffer.from(line)),
      new LogMemory(),
      true,
      false,
    )
    const times = records.map(({ record }) => Number(BigInt(record['timeUnixNano'] as string) / 1_000_000n))
    expect(times).to.have.members([11, 11, 22, 11, 12, 123, 12, 12, 12])
  })

  it('writes names, texts and numbers of every length as they are', () => {
    const lines: Buffer[] = []
    for (const name of [0, 1, 59, 60, 98, 100, 101, 113, 114, 120, 121, 122, 127, 128, 200].map((length) => 'n'.repeat(length))) {
      for (const text of [0, 1, 3, 4, 20, 21, 22, 61, 62, 120, 121, 127, 128])
        lines.push(wholeLine(name, `"${'t'.repeat(text)}"`))
      for (const number of NUMBERS) lines.push(wholeLine(name, number))
    }
    const { records, fast } = encode(lines, new LogMemory(), true, false)
    expect(fast).to.deep.equal(lines.map(() => true))
    expect(records).to.deep.equal(encode(lines, new LogMemory(), true, true).records)
  })

  it('does not keep names that are long', () => {
    const lines = [256, 257].map((length) => wholeLine('n'.repeat(length), '1'))
    const { records, fast } = encode(lines, new LogMemory(), true, false)
    expect(fast).to.deep.equal([true, false])
    expect(records).to.have.deep.members(encode(lines, new LogMemory(), true, true).records)
  })
})

const NUMBERS = [
  ...['0', '-0', '7', '127', '128', '-1', '0.5', '10.25', '1e3', '1.5E-7', '0.1', '123456789012.34', '1234567890123.45'],
  ...['999999999999999', '1000000000000000', '9007199254740991', '9007199254740993', '-9007199254740991', '1e400'],
]

function wholeLine(name: string, value: string): Buffer {
  return Buffer.from(`{"time":1,"level":"info","logger":"a","msg":"m",${WHO},"${name}":${value},"last":1}`)
}
