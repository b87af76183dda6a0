import { expect } from 'chai'
import { eventsOf } from '../../../lib/consume/kafka/record'
import { encodeBatch } from '../../../lib/sinks/kafka/encoder'
import { KeySplitter } from '../../../lib/sinks/keyed/key-splitter'
import { batchOf, INSTANCE } from '../../support/kafka-batch'

const record = (value: string | null, headers: Readonly<Record<string, string | null>> = {}) => ({
  value: value === null ? null : Buffer.from(value),
  headers: Object.entries(headers).map(([name, text]) => [Buffer.from(name), text === null ? null : Buffer.from(text)] as const),
})
const nameless = (line: string) => ({ line, instance: undefined, seq: undefined, traceId: undefined })

describe('eventsOf()', () => {
  it('reads what kafkaSink writes, lines with line breaks in them too', () => {
    const traceId = 'a'.repeat(32)
    const own = `"instance":"${INSTANCE}"`
    const lines = [
      { text: `{"a":1,${own}}`, seq: 7, traceId },
      { text: `Error: ü\n    at x\n${own}\n`, seq: 9, traceId },
      { text: `last ${own}`, seq: 10, traceId },
      { text: `outside ${own}`, seq: 11 },
    ]
    const { lines: bytes, rows, instance, id } = batchOf(lines)
    const batch = { lines: Buffer.from(bytes), rows: rows(), instance, id }
    const { records } = encodeBatch(batch, new KeySplitter(100), { packing: 'trace', maxRecordBytes: 1_000 })
    const read = records.flatMap(({ value, headers }) => eventsOf({ value, headers: [...headers] }))
    expect(read).to.deep.equal(lines.map(({ text, seq, traceId: id }) => ({ line: text, instance, seq, traceId: id })))
  })

  it('takes each line of a stranger for an event without a name', () => {
    expect(eventsOf(record('a\nb\n'))).to.deep.equal([nameless('a'), nameless('b')])
    expect(eventsOf(record('a'))).to.deep.equal([nameless('a')])
  })

  for (const seq of ['1', '1,2,3', '1,x', '', '-1,2', '99999999999999999,1', null]) {
    it(`gives no names by the seq header ${seq} of two lines`, () => {
      const headers = { 'tracelane-instance': 'a', 'tracelane-seq': seq }
      expect(eventsOf(record('a\nb\n', headers))).to.deep.equal([nameless('a'), nameless('b')])
    })
  }

  it('goes by line breaks where lengths are not those of the value', () => {
    const headers = { 'tracelane-instance': 'a', 'tracelane-seq': '1,1', 'tracelane-length': '2,9' }
    expect(eventsOf(record('a\nb\n', headers)).map(({ line, seq }) => [line, seq])).to.deep.equal([
      ['a', 1],
      ['b', 2],
    ])
  })

  it('leaves headers alone that it does not know, and versions to come', () => {
    const headers = { 'tracelane-v': '2', 'tracelane-new': 'x', 'tracelane-instance': 'a', 'tracelane-seq': '3' }
    expect(eventsOf(record('a\n', headers))).to.deep.equal([{ line: 'a', instance: 'a', seq: 3, traceId: undefined }])
  })

  it('finds nothing in a record without a value', () => {
    expect([eventsOf(record(null)), eventsOf(record(''))]).to.deep.equal([[], []])
  })
})
