import { expect } from 'chai'
import { ACCOUNT, FRAME, HEADER_BYTES, QueueMemory, ROW, SYNC, WORD } from '../../../lib/appender/ring'
import { contentOf, ringAt, sizeOf, textFor } from './ring.model'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

describe('a ring', () => {
  it('has a power of two of at least the bytes asked for, from 4 KiB on', () => {
    const capacities = [1, 4096, 4097, 100_000, 2 ** 20].map((bytes) => QueueMemory.create(bytes).capacity)
    expect(capacities).to.deep.equal([4096, 4096, 8192, 131_072, 2 ** 20])
  })

  it('gives back each part of a frame as it was written', () => {
    const { writer, reader } = ringAt(4096)
    const content = { ...contentOf(['one €\n', 'two 😀\n'], 2 ** 40, TRACE), flags: SYNC, payload: 7 }
    expect(writer.write(content, 1_700_000_000_123)).to.equal(true)
    const frame = reader.frame()
    expect(frame).to.include({ kind: FRAME.lines, flags: SYNC, events: 2, rowWords: ROW.words, payload: 7, severity: 9 })
    expect(frame).to.include({ firstSeq: 2 ** 40, time: 1_700_000_000_123, size: sizeOf(content) })
    expect([...(frame?.rows ?? [])]).to.deep.equal([6, 9, 0, 0, 7, 10, 1, 0])
    expect(frame?.dictionary.toString()).to.equal(TRACE)
    expect(frame?.text.toString()).to.equal('one €\ntwo 😀\n')
  })

  it('writes a text with half a surrogate pair as the bytes that Buffer counts for it', () => {
    const { writer, reader } = ringAt(4096)
    const text = 'half \ud83d'
    writer.write(contentOf([text], 1), 0)
    expect(reader.frame()?.text.length).to.equal(Buffer.byteLength(text))
  })

  it('takes a frame of exactly its capacity at its start, and then nothing more', () => {
    const { memory, writer, reader } = ringAt(4096)
    const whole = contentOf([textFor(4096)], 1)
    expect(writer.write(whole, 0)).to.equal(true)
    expect(writer.used).to.equal(4096)
    expect(writer.fits(HEADER_BYTES)).to.equal(false)
    expect(writer.write(contentOf([''], 2), 0)).to.equal(false)
    expect(reader.isEmpty).to.equal(false)
    const frame = reader.frame()
    expect(frame?.text.toString()).to.equal(whole.text)
    if (frame !== undefined) reader.resolve(frame, 'delivered', frame.text.length)
    expect(memory.counted(ACCOUNT.bytes)).to.equal(whole.text.length)
    expect(reader.isEmpty).to.equal(true)
    expect(writer.write(whole, 0)).to.equal(true)
  })

  it('refuses a frame of one byte more than its capacity, and writes nothing of it', () => {
    const { memory, writer, reader } = ringAt(4096)
    expect(writer.write(contentOf([`${textFor(4096)}x`], 1), 0)).to.equal(false)
    expect(writer.head).to.equal(0)
    expect(reader.frame()).to.equal(undefined)
    expect(memory.bytes.every((byte) => byte === 0)).to.equal(true)
  })

  for (const [name, start] of [
    ['at its start', 0],
    ['where positions pass 2^31', 2 ** 31 - 4096],
    ['where positions pass 2^32', -4096],
  ] as const) {
    it(`takes half of its capacity wherever its head is, if it is empty: ${name}`, () => {
      for (let at = 0; at < 8192; at += 8) {
        const { writer, reader } = ringAt(4096, (start + at) | 0)
        const content = contentOf([textFor(2048)], at)
        expect(writer.write(content, 0), `at ${at}`).to.equal(true)
        expect(reader.frame()?.text.toString()).to.equal(content.text)
        expect(writer.used).to.be.within(2048, 4096)
      }
    })
  }

  it('goes on at its start when what is left at its end is too small, and counts that as used', () => {
    const { writer, reader } = ringAt(4096)
    writer.write(contentOf([textFor(3072)], 1), 0)
    const first = reader.frame()
    if (first !== undefined) reader.resolve(first, 'delivered', 0)
    expect(writer.write(contentOf([textFor(2048)], 2), 0)).to.equal(true)
    expect(writer.used).to.equal(1024 + 2048)
    expect(reader.pendingEvents()).to.equal(1)
    expect(reader.frame()?.firstSeq).to.equal(2)
    writer.look()
    expect(writer.used, 'padding is left behind by whoever reads on').to.equal(2048)
  })

  it('uses its end to the last byte, without padding', () => {
    const { writer, reader } = ringAt(4096)
    writer.write(contentOf([textFor(3072)], 1), 0)
    const first = reader.frame()
    if (first !== undefined) reader.resolve(first, 'delivered', 0)
    writer.write(contentOf([textFor(1024)], 2), 0)
    writer.look()
    expect(writer.used).to.equal(1024)
    expect(writer.head & 4095).to.equal(0)
  })

  it('lets in what fits exactly, though three bytes for each unit would not', () => {
    const { writer } = ringAt(4096)
    expect(writer.write(contentOf(['x'.repeat(2000)], 1), 0)).to.equal(true)
    const rest = 4096 - sizeOf(contentOf(['x'.repeat(2000)], 1))
    expect(writer.write(contentOf([textFor(rest + 8)], 2), 0)).to.equal(false)
    expect(writer.write(contentOf([textFor(rest)], 2), 0)).to.equal(true)
  })

  it('says when its oldest frame was handed over, behind padding too', () => {
    const { writer, reader } = ringAt(4096)
    expect(reader.oldestTime()).to.equal(undefined)
    writer.write(contentOf([textFor(3072)], 1), 111)
    expect(reader.oldestTime()).to.equal(111)
    const first = reader.frame()
    if (first !== undefined) reader.resolve(first, 'delivered', 0)
    writer.write(contentOf([textFor(2048)], 2), 222)
    expect(reader.oldestTime()).to.equal(222)
  })

  it('enters what a frame came to into the account, and forgets how much of it was written', () => {
    const { memory, writer, reader } = ringAt(4096)
    for (const outcome of ['delivered', 'rejected', 'spooled'] as const) {
      writer.write(contentOf(['a', 'b', 'c'], 1), 0)
      Atomics.store(memory.words, WORD.written, 2)
      const frame = reader.frame()
      if (frame !== undefined) reader.resolve(frame, outcome, 3)
      expect(Atomics.load(memory.words, WORD.written)).to.equal(0)
    }
    const [delivered, rejected, spooled, bytes] = [ACCOUNT.delivered, ACCOUNT.rejected, ACCOUNT.spooled, ACCOUNT.bytes].map(
      (which) => memory.counted(which),
    )
    expect({ delivered, rejected, spooled, bytes }).to.deep.equal({ delivered: 3, rejected: 3, spooled: 3, bytes: 3 })
    expect(Atomics.load(memory.words, WORD.resolvedEvents)).to.equal(9)
  })

  it('counts beyond 2^53 nothing, but beyond 2^31 rightly', () => {
    const { memory } = ringAt(4096)
    memory.count(ACCOUNT.bytes, 2 ** 40)
    memory.count(ACCOUNT.bytes, 5)
    expect(memory.counted(ACCOUNT.bytes)).to.equal(2 ** 40 + 5)
  })
})
