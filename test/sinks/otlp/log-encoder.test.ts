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
})
