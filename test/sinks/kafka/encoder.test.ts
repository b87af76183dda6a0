import { expect } from 'chai'
import { type EncodedRecord, encodeBatch } from '../../../lib/sinks/kafka/encoder'
import { KeySplitter } from '../../../lib/sinks/keyed/key-splitter'
import { batchOf, INSTANCE, type Line } from '../../support/kafka-batch'

const trace = (n: number): string => String(n).padStart(32, '0')
const OWN = `,"instance":"${INSTANCE}"`
const line = (seq: number, n: number | undefined, fields = ''): Line => ({
  text: `{"seq":${seq}${fields}${fields.includes('00000000000000ff') ? '' : OWN}}`,
  seq,
  ...(n === undefined ? {} : { traceId: trace(n) }),
})

function encode(lines: readonly Line[], options: object = {}, splitter = new KeySplitter(1_000)) {
  const { lines: bytes, rows, instance, id } = batchOf(lines)
  const batch = { lines: Buffer.from(bytes), rows: rows(), instance, id }
  return encodeBatch(batch, splitter, { packing: 'trace', maxRecordBytes: 1_000, ...options })
}

const shown = ({ key, value, rows, headers }: EncodedRecord) => ({
  key: key.toString(),
  value: value.toString(),
  rows,
  headers: Object.fromEntries([...headers].map(([name, text]) => [name.toString(), text.toString()])),
})

describe('encodeBatch()', () => {
  it('packs the lines of each trace into a record, in order, with the seq of each', () => {
    const { records } = encode([line(5, 1), line(6, 2), line(8, 1), line(9, 1)])
    const common = { 'tracelane-v': '1', 'tracelane-instance': 'a1b2c3d4e5f60718' }
    expect(records.map(shown)).to.deep.equal([
      {
        key: trace(1),
        value: [5, 8, 9].map((seq) => `{"seq":${seq}${OWN}}\n`).join(''),
        rows: [0, 2, 3],
        headers: { ...common, 'tracelane-seq': '5,3,1', 'tracelane-trace': trace(1) },
      },
      {
        key: trace(2),
        value: `{"seq":6${OWN}}\n`,
        rows: [1],
        headers: { ...common, 'tracelane-seq': '6', 'tracelane-trace': trace(2) },
      },
    ])
  })

  it('makes a record of each line if asked for', () => {
    const { records } = encode([line(5, 1), line(6, 1)], { packing: 'line' })
    expect(records.map(({ rows }) => rows)).to.deep.equal([[0], [1]])
  })

  it('puts lines outside any trace under the instance', () => {
    const [record] = encode([line(5, undefined)]).records
    expect(shown(record as EncodedRecord)).to.deep.include({ key: 'a1b2c3d4e5f60718' })
    expect(shown(record as EncodedRecord).headers).to.have.all.keys('tracelane-v', 'tracelane-instance', 'tracelane-seq')
  })

  for (const [layout, field] of [
    ['json', '"spanId":"00f067aa0ba902b7"'],
    ['otel', '"span_id":"00f067aa0ba902b7"'],
    ['ecs', '"span.id":"00f067aa0ba902b7"'],
  ]) {
    it(`names the span of the first line in traceparent, as the layout ${layout} writes it`, () => {
      const [record] = encode([line(5, 1, `,${field}`), line(6, 1, ',"spanId":"1111111111111111"')]).records
      expect(shown(record as EncodedRecord).headers).to.include({ traceparent: `00-${trace(1)}-00f067aa0ba902b7-00` })
    })
  }

  for (const field of ['"spanId":"0000000000000000"', '"spanId":"x0f067aa0ba902b7"', '"spanId":"00f067']) {
    it(`takes ${field} for no span`, () => {
      const [record] = encode([line(5, 1, `,${field}`)]).records
      expect(shown(record as EncodedRecord).headers).to.not.have.property('traceparent')
    })
  }

  for (const field of [
    '"instance":"00000000000000ff"',
    '"tracelane.instance":"00000000000000ff"',
    '"key":"service.instance.id","value":{"stringValue":"00000000000000ff"}',
  ]) {
    it(`believes a line that says whose it is: ${field}`, () => {
      const { records } = encode([line(5, 1), line(5, 1, `,${field}`), line(7, undefined, `,${field}`)])
      expect(records.map((record) => [record.key.toString(), shown(record).headers['tracelane-instance']])).to.deep.equal([
        [trace(1), 'a1b2c3d4e5f60718'],
        [trace(1), '00000000000000ff'],
        ['00000000000000ff', '00000000000000ff'],
      ])
    })
  }

  it('names lines that do not say whose they are within their batch, which is the same at each try', () => {
    const bare = [4, 4, 9].map((seq, i) => ({ text: `line ${i}`, seq, ...(i === 2 ? {} : { traceId: trace(1) }) }))
    const { records } = encode(bare)
    expect(records.map((record) => [record.key.toString(), shown(record).headers])).to.deep.equal([
      [
        trace(1),
        {
          ...{ 'tracelane-v': '1', 'tracelane-instance': `${INSTANCE}-4`, 'tracelane-seq': '0,1' },
          'tracelane-trace': trace(1),
        },
      ],
      [INSTANCE, { 'tracelane-v': '1', 'tracelane-instance': `${INSTANCE}-4`, 'tracelane-seq': '2' }],
    ])
  })

  it('begins another record where one is full, and names lines that are larger than any', () => {
    const text = 'x'.repeat(400)
    const lines = [1, 2, 3, 4].map((seq) => ({ text: seq === 3 ? 'y'.repeat(1_000) : text, seq, traceId: trace(1) }))
    const { records, tooLarge } = encode(lines)
    expect(records.map(({ rows }) => rows)).to.deep.equal([[0, 1], [3]])
    expect(tooLarge).to.deep.equal([2])
  })

  it('begins another record before the headers are 10 KiB, however many lines there are, with line breaks in them too', () => {
    const lines = Array.from({ length: 10_000 }, (_, i) => ({
      text: `${i % 2 === 0 ? 'a\nb' : 'c'}`,
      seq: i * 1_000,
      traceId: trace(1),
    }))
    const { records } = encode(lines, { maxRecordBytes: 1_000_000 }, new KeySplitter(1_000_000))
    const sizes = records.map(({ key, headers }) =>
      [...headers].reduce((sum, pair) => sum + Buffer.concat(pair).length, key.length),
    )
    expect(Math.max(...sizes)).to.be.within(4_000, 10_240)
    expect(records.flatMap(({ rows }) => rows)).to.deep.equal([...lines.keys()])
  })

  it('gives a hot trace another key after each maxEventsPerKey events, the same at each try', () => {
    const splitter = new KeySplitter(3)
    const batch = [1, 2, 3, 4].map((seq) => line(seq, 1))
    const keys = (): string[] => encode(batch, {}, splitter).records.map(({ key }) => key.toString())
    expect(keys()).to.deep.equal([trace(1), `${trace(1)}#1`])
    expect(keys()).to.deep.equal([trace(1), `${trace(1)}#1`])
    splitter.count(trace(1), 4)
    expect(keys()).to.deep.equal([`${trace(1)}#1`, `${trace(1)}#2`])
  })

  it('forgets the trace that was quiet for longest', () => {
    const splitter = new KeySplitter(1)
    splitter.count(trace(1), 1)
    splitter.count(trace(2), 1)
    splitter.count(trace(1), 1)
    for (let n = 3; n <= 10_001; n++) splitter.count(trace(n), 1)
    expect([splitter.keyOf(trace(1), 0), splitter.keyOf(trace(2), 0)]).to.deep.equal([`${trace(1)}#2`, trace(2)])
  })
})
