import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type AppendResult, nodeFiles, openSpoolWriter, type SpoolPosition } from '../../lib/spool'
import { tempFolder } from '../support'
import { ReadOnlyFiles, recordsOf, TestSpool, textsOf } from './spools'

const text = (value: string, length = 0): Buffer => Buffer.from(value.padEnd(length, '.'))
const reasonOf = (result: AppendResult): string => (result.outcome === 'refused' ? result.reason : 'spooled')
const failing = (code: string) => () => {
  throw Object.assign(new Error(`simulated ${code}`), { code })
}

describe('SpoolWriter', () => {
  describe('append()', () => {
    it('says where the record is', () => {
      const spool = new TestSpool()
      const writer = spool.writer()
      expect(writer.append(text('one'))).to.deep.equal({ outcome: 'spooled', segment: 1, offset: 0, length: 43, synced: false })
      expect(writer.append(text('four'), { sync: true })).to.deep.equal({
        outcome: 'spooled',
        segment: 1,
        offset: 43,
        length: 44,
        synced: true,
      })
      expect(statSync(spool.segments()[0] as string).size).to.equal(87)
      writer.close()
    })

    it('keeps the payload and what was said about it', () => {
      const spool = new TestSpool()
      const writer = spool.writer()
      const meta = { events: 4_294_967_295, firstSeq: Number.MAX_SAFE_INTEGER - 1, lastSeq: Number.MAX_SAFE_INTEGER, flags: 255 }
      writer.append(Buffer.from([0, 255, 10, 13]), meta)
      writer.append(new Uint8Array(0))
      writer.close()
      const reader = spool.reader()
      const [first, second] = recordsOf(reader)
      expect(first).to.deep.include({ payload: Buffer.from([0, 255, 10, 13]), meta })
      expect(second).to.deep.include({ payload: Buffer.alloc(0), meta: { events: 0, firstSeq: 0, lastSeq: 0, flags: 0 } })
      reader.close()
    })

    it('takes payloads from shared memory, and of every size around its buffer', () => {
      const spool = new TestSpool()
      const writer = spool.writer()
      const sizes = [1, 262_103, 262_104, 262_105, 700_000]
      for (const size of sizes) writer.append(new Uint8Array(new SharedArrayBuffer(size)).fill(7))
      writer.close()
      const reader = spool.reader()
      expect(
        recordsOf(reader).map(({ payload }) => payload.equals(Buffer.alloc(payload.length, 7)) && payload.length),
      ).to.deep.equal(sizes)
      reader.close()
    })

    it('begins a segment before one would be larger than segmentBytes', () => {
      const spool = new TestSpool()
      const writer = spool.writer({ segmentBytes: 1024 })
      for (let i = 0; i < 5; i++) writer.append(text(`${i}`, 472)) // two are 1,024 bytes
      writer.append(text('large', 5000))
      writer.append(text('last'))
      writer.close()
      expect(spool.segments().map((path) => statSync(path).size)).to.deep.equal([1024, 1024, 512, 5040, 44])
      expect(spool.read().map((one) => one.replaceAll('.', ''))).to.deep.equal(['0', '1', '2', '3', '4', 'large', 'last'])
    })

    it('refuses what does not fit, and takes it when the reader has made room', () => {
      const spool = new TestSpool()
      const writer = spool.writer({ maxBytes: 4096 })
      const taken = Array.from({ length: 10 }, (_, i) => writer.append(text(`${i}`, 472)).outcome)
      expect(taken).to.deep.equal([...Array(8).fill('spooled'), 'refused', 'refused'])
      expect(reasonOf(writer.append(text('', 472)))).to.equal('full')
      const reader = spool.reader()
      for (let i = 0; i < 3; i++) {
        const found = reader.next()
        if (found.kind === 'record') reader.commit(found.next)
      }
      expect(reasonOf(writer.append(text('ten', 472)))).to.equal('spooled')
      expect(spool.ledger.counts()).to.deep.include({
        spooled: { records: 9, events: 0, bytes: 9 * 472 },
        refused: { records: 3, events: 0, bytes: 3 * 472 },
        committed: { records: 3, events: 0, bytes: 3 * 472 },
      })
      writer.close()
      reader.close()
    })

    it('makes room of a segment that is settled and still open', () => {
      const spool = new TestSpool()
      const writer = spool.writer({ maxBytes: 4096 })
      const reader = spool.reader()
      for (const value of ['a', 'b', 'c']) {
        expect(reasonOf(writer.append(text(value, 3000)))).to.equal('spooled')
        const found = reader.next()
        expect(found).to.include({ kind: 'record' })
        if (found.kind === 'record') reader.commit(found.next)
      }
      writer.close()
      reader.close()
    })

    it('drops the oldest segments instead, and counts what goes with them', () => {
      const spool = new TestSpool()
      const writer = spool.writer({ maxBytes: 4096, whenFull: 'drop-oldest' })
      for (let i = 0; i < 20; i++) expect(writer.append(text(`${i}`, 472), { events: 2 }).outcome).to.equal('spooled')
      const { dropped, pending, storedBytes } = spool.ledger.counts()
      expect([dropped, pending]).to.deep.equal([
        { records: 12, events: 24, bytes: 12 * 472 },
        { records: 8, events: 16, bytes: 8 * 472 },
      ])
      expect(storedBytes).to.equal(4096)
      expect(spool.kinds()).to.deep.equal(Array(6).fill('dropped'))
      expect(spool.notices[0]?.message).to.contain('2 records of 4 events')
      const reader = spool.reader()
      expect(textsOf(reader).map((one) => Number.parseInt(one, 10))).to.deep.equal([12, 13, 14, 15, 16, 17, 18, 19])
      writer.close()
      reader.close()
    })

    it('refuses a record that is larger than the spool', () => {
      const spool = new TestSpool()
      const writer = spool.writer({ maxBytes: 4096, whenFull: 'drop-oldest' })
      writer.append(text('kept'))
      expect(reasonOf(writer.append(text('', 4057)))).to.equal('too-large')
      expect(reasonOf(writer.append(text('', 4056)))).to.equal('spooled')
      writer.close()
    })

    it('refuses after close()', () => {
      const writer = new TestSpool().writer()
      writer.close()
      writer.close()
      expect(reasonOf(writer.append(text('late')))).to.equal('closed')
    })

    it('takes a record that could not be forced to the disk, says so, and begins another segment', () => {
      const spool = new TestSpool()
      let broken = true
      const sync = (file: number): void => (broken ? failing('EIO')() : nodeFiles.sync(file))
      const writer = spool.writer({ files: { ...nodeFiles, sync } })
      expect(writer.append(text('a'), { sync: true })).to.include({ outcome: 'spooled', segment: 1, synced: false })
      expect(spool.kinds()).to.deep.equal(['disk'])
      broken = false
      expect(writer.append(text('b'), { sync: true })).to.include({ outcome: 'spooled', segment: 2, synced: true })
      writer.close()
      expect(spool.read()).to.deep.equal(['a', 'b'])
    })

    it('goes on in the same place when a full disk has room again', () => {
      const spool = new TestSpool()
      let room = 100
      const write: typeof nodeFiles.write = (file, bytes, from, length, position) => {
        if (room === 0) return failing('ENOSPC')()
        const written = nodeFiles.write(file, bytes, from, Math.min(room, length), position)
        room -= written
        return written
      }
      const writer = spool.writer({ files: { ...nodeFiles, write } })
      expect(writer.append(text('first', 40))).to.include({ offset: 0 })
      expect(writer.append(text('second', 40))).to.include({ outcome: 'refused', reason: 'disk', code: 'ENOSPC' })
      const reader = spool.reader()
      expect(textsOf(reader).length).to.equal(1)
      room = 10_000
      expect(writer.append(text('third'))).to.include({ outcome: 'spooled', segment: 1, offset: 80 })
      expect(textsOf(reader)).to.deep.equal(['third'])
      writer.close()
      reader.close()
      expect(spool.kinds()).to.deep.equal([])
    })
  })

  describe('two writers on one ledger', () => {
    it('take turns, and what they write is read in the order of their calls', () => {
      const spool = new TestSpool()
      const one = spool.writer()
      const reader = spool.reader()
      one.append(text('1'))
      expect(textsOf(reader)).to.deep.equal(['1'])
      const other = spool.writer()
      other.append(text('2'))
      one.append(text('3'))
      one.append(text('4'))
      other.append(text('5'))
      expect(textsOf(reader)).to.deep.equal(['2', '3', '4', '5'])
      expect(spool.segments().length).to.be.at.most(4)
      for (const closing of [one, other, reader]) closing.close()
    })
  })

  describe('openSpoolWriter()', () => {
    it('starts on a read-only file system, says so at each record, and works when it is writable', () => {
      const spool = new TestSpool()
      const before = spool.writer()
      before.append(text('a'))
      before.close()
      spool.newLedger()
      const disk = new ReadOnlyFiles()
      const writer = spool.writer({ files: disk.files })
      const reader = spool.reader({ files: disk.files })
      expect(writer.append(text('b'))).to.include({ outcome: 'refused', reason: 'disk', code: 'EROFS' })
      const [record] = recordsOf(reader)
      expect(record?.payload.toString()).to.equal('a')
      expect(reader.commit(record?.next as SpoolPosition)).to.equal(false)
      expect(spool.kinds()).to.deep.equal(['disk'])
      disk.readOnly = false
      expect(reasonOf(writer.append(text('c')))).to.equal('spooled')
      expect(textsOf(reader)).to.deep.equal(['c'])
      writer.close()
      reader.close()
      expect(spool.read()).to.deep.equal(['c'])
    })

    it('starts where its directory cannot be, says so, and works when it can', () => {
      const base = tempFolder()
      writeFileSync(join(base, 'in-the-way'), '')
      const spool = new TestSpool(join(base, 'in-the-way', 'spool'))
      const writer = spool.writer()
      expect(spool.kinds()).to.deep.equal(['disk'])
      expect(writer.append(text('a'))).to.include({ outcome: 'refused', reason: 'disk', code: 'ENOTDIR' })
      rmSync(join(base, 'in-the-way'))
      expect(writer.append(text('b')).outcome).to.equal('spooled')
      writer.close()
      expect(spool.read()).to.deep.equal(['b'])
    })

    it('makes its directory anew when it was removed', () => {
      const spool = new TestSpool()
      const writer = spool.writer()
      writer.append(text('a'))
      rmSync(spool.directory, { recursive: true })
      expect(reasonOf(writer.append(text('b')))).to.equal('spooled')
      rmSync(spool.segments()[0] as string)
      expect(reasonOf(writer.append(text('c')))).to.equal('spooled')
      writer.close()
      expect(spool.read()).to.deep.equal(['c'])
    })

    it('cuts the torn end of the last segment, counts it, and finds what is before', () => {
      const spool = new TestSpool()
      const writer = spool.writer()
      writer.append(text('a'), { events: 3 })
      writer.append(text('b'), { events: 4 })
      writer.close()
      const [path] = spool.segments() as [string]
      const whole = readFileSync(path)
      writeFileSync(path, whole.subarray(0, whole.length - 1))
      spool.newLedger()
      const next = spool.writer()
      expect(spool.kinds()).to.deep.equal(['torn'])
      expect(spool.ledger.counts()).to.deep.include({
        recovered: { records: 1, events: 3, bytes: 1 },
        torn: { records: 1, events: 0, bytes: 40 },
      })
      expect(statSync(path).size).to.equal(41)
      next.append(text('c'))
      next.close()
      expect(spool.read()).to.deep.equal(['a', 'c'])
    })

    it('refuses wrong options', () => {
      expect(() => openSpoolWriter({ directory: '' })).to.throw(/'directory' must be a text/)
      expect(() => openSpoolWriter({ directory: 'x', maxBytes: 5 })).to.throw(/'maxBytes' must be an integer from 4096/)
      expect(() => openSpoolWriter({ directory: 'x', maxByte: 5 } as never)).to.throw(/did you mean 'maxBytes'/)
      expect(() => openSpoolWriter({ directory: 'x', whenFull: 'drop' as never })).to.throw(/one of 'refuse', 'drop-oldest'/)
    })
  })
})
