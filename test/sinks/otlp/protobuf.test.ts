import { expect } from 'chai'
import { nanosOf, ProtobufWriter, readMessage } from '../../../lib/sinks/otlp/protobuf'

function written(write: (out: ProtobufWriter) => void): Buffer {
  // So little room that everything has to grow.
  const out = new ProtobufWriter(1)
  write(out)
  return out.finish()
}

describe('ProtobufWriter', () => {
  it('writes the examples of the specification of the encoding', () => {
    expect(written((out) => out.int(1, 150)).toString('hex')).to.equal('089601')
    expect(written((out) => out.text(2, 'testing')).toString('hex')).to.equal('120774657374696e67')
    expect(written((out) => out.bytes(4, Buffer.from([1, 0xff]))).toString('hex')).to.equal('220201ff')
    expect(written((out) => out.int(1, -2)).toString('hex')).to.equal('08feffffffffffffffff01')
    const nested = written((out) => {
      const from = out.begin(3)
      out.int(1, 150)
      out.end(from)
    })
    expect(nested.toString('hex')).to.equal('1a03089601')
  })

  it('writes texts of any length and letters, alone and nested', () => {
    for (const length of [0, 1, 63, 64, 65, 124, 125, 126, 127, 128, 129, 16_380, 16_384, 100_000, 3_000_000]) {
      for (const letter of ['a', 'ä', '\u{1f600}']) {
        const text = letter.repeat(length)
        const bytes = written((out) => {
          const from = out.begin(1)
          out.text(2, text)
          out.end(from)
          out.int(3, 7)
        })
        const outer = readMessage(bytes)
        expect(outer?.get(3)).to.equal(7)
        const inner = readMessage(outer?.get(1) as Uint8Array)?.get(2) as Uint8Array
        expect(Buffer.from(inner).toString() === text, `${length} ${letter}`).to.equal(true)
      }
    }
  })

  it('writes milliseconds as nanoseconds, to the last one', () => {
    const times = [
      0,
      1,
      2 ** 20 - 1,
      2 ** 20,
      2 ** 32,
      1_700_000_000_123,
      1_700_000_000_123.25,
      4_102_444_800_000,
      2 ** 43 + 0.5,
      -5,
    ]
    for (const ms of times) {
      const bytes = written((out) => out.nanos(1, ms))
      expect(bytes.readBigUInt64LE(1), String(ms)).to.equal(nanosOf(ms))
    }
    expect(nanosOf(1_700_000_000_123.25)).to.equal(1_700_000_000_123_250_000n)
  })

  it('reads nothing that is no message', () => {
    for (const hex of ['0f', '12ff', '0a05', '08', 'ff'.repeat(12)]) {
      expect(readMessage(Buffer.from(hex, 'hex'))?.get(2), hex).to.equal(undefined)
    }
  })
})
