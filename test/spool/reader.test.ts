import { appendFileSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { crc32c, nodeFiles, openSpoolReader, type SpoolFiles, type SpoolRecord } from '../../lib/spool'
import { recordsOf, TestSpool, textsOf } from './spools'

const PAYLOAD = 60 // with its header 100 bytes, ten in a segment
const names = (first: number, last: number): string[] => Array.from({ length: last - first + 1 }, (_, i) => `r${first + i}`)

/* Records r1 to r`count`, ten in a segment. */
function filled(count: number): TestSpool {
  const spool = new TestSpool()
  const writer = spool.writer()
  for (const name of names(1, count)) writer.append(Buffer.from(name.padEnd(PAYLOAD)), { events: 2 })
  writer.close()
  spool.newLedger()
  return spool
}

const trimmed = (texts: readonly string[]): string[] => texts.map((text) => text.trim())

/* Reads `count` records and commits them. */
function settle(spool: TestSpool, count: number): void {
  const reader = spool.reader()
  let last: SpoolRecord | undefined
  for (let i = 0; i < count; i++) {
    const found = reader.next()
    if (found.kind === 'record') last = found
  }
  if (last !== undefined) reader.commit(last.next)
  reader.close()
  spool.newLedger()
}

function mkdirBeside(path: string): string {
  rmSync(path)
  mkdirSync(`${path}-folder`)
  return `${path}-folder`
}

function damage(path: string, at: number, bytes: number): void {
  const data = readFileSync(path)
  data.fill(0xaa, at, at + bytes)
  writeFileSync(path, data)
}

const cursor = (spool: TestSpool, slot: number): string => join(spool.directory, `cursor.${slot}`)

/* The offsets of all cursors that stand in files. */
function offsetsIn(spool: TestSpool): number[] {
  const files = readdirSync(spool.directory).filter((name) => /^cursor\.(0|1|now)$/.test(name))
  const text = files.map((name) => readFileSync(join(spool.directory, name), 'latin1')).join('')
  return [...text.matchAll(/"offset":(\d+)/g)].map(([, offset]) => Number(offset))
}

function writeCursor(spool: TestSpool, slot: number, value: object): void {
  const line = JSON.stringify(value)
  writeFileSync(cursor(spool, slot), `${line}\n${crc32c(Buffer.from(line)).toString(16).padStart(8, '0')}\n`)
}

const lineOf = (path: string): Record<string, unknown> => JSON.parse(readFileSync(path, 'utf8').split('\n')[0] as string)

describe('SpoolReader', () => {
  it('gives back the name of each record, if that has one which can be kept', () => {
    const spool = new TestSpool()
    const writer = spool.writer()
    const given = ['abc-1~00ff', undefined, 'n'.repeat(255), 'n'.repeat(256), 'größe', '']
    for (const name of given) writer.append(Buffer.from('payload'), { events: 1, ...(name === undefined ? {} : { name }) })
    writer.close()
    const found = recordsOf(spool.reader()).map(({ payload, meta }) => [String(payload), meta.events, meta.name])
    expect(found).to.deep.equal(
      ['abc-1~00ff', undefined, 'n'.repeat(255), undefined, undefined, undefined].map((name) => ['payload', 1, name]),
    )
  })

  describe('next()', () => {
    it('follows a writer, record by record, across segments', () => {
      const spool = new TestSpool()
      const reader = spool.reader()
      expect(reader.next().kind).to.equal('end')
      const writer = spool.writer()
      for (const name of names(1, 35)) {
        writer.append(Buffer.from(name.padEnd(PAYLOAD)))
        expect(trimmed(textsOf(reader))).to.deep.equal([name])
      }
      writer.close()
      reader.close()
    })

    it('waits for the rest of a record that is being written', () => {
      const spool = filled(2)
      const [path] = spool.segments() as [string]
      const whole = readFileSync(path)
      writeFileSync(path, whole.subarray(0, 150))
      const reader = spool.reader()
      expect(trimmed(textsOf(reader))).to.deep.equal(['r1'])
      expect(reader.next().kind).to.equal('end')
      appendFileSync(path, whole.subarray(150))
      expect(trimmed(textsOf(reader))).to.deep.equal(['r2'])
      expect(spool.kinds()).to.deep.equal([])
      reader.close()
    })

    it('skips the torn end of a segment when there is a later one, counts it and says so', () => {
      const spool = filled(25)
      const [first] = spool.segments() as [string]
      writeFileSync(first, readFileSync(first).subarray(0, 930))
      const reader = spool.reader()
      expect(trimmed(textsOf(reader))).to.deep.equal([...names(1, 9), ...names(11, 25)])
      expect(spool.ledger.counts().torn).to.deep.equal({ records: 1, events: 0, bytes: 30 })
      expect(spool.notices[0]?.message).to.contain('30 bytes at 900 of segment 1')
      reader.close()
    })

    it('takes the torn end of the last segment for damage when nobody writes any more', () => {
      const spool = filled(3)
      const [path] = spool.segments() as [string]
      writeFileSync(path, readFileSync(path).subarray(0, 299))
      const reader = spool.reader({ final: true })
      expect(trimmed(textsOf(reader))).to.deep.equal(names(1, 2))
      expect(spool.kinds()).to.deep.equal(['torn'])
      reader.close()
    })

    const places: readonly (readonly [what: string, at: number, bytes: number, lost: readonly string[], counted: object])[] = [
      ['a payload', 350, 1, ['r4'], { records: 1, events: 2, bytes: 100 }],
      ['a header', 302, 10, ['r4'], { records: 1, events: 0, bytes: 100 }],
      ['the first header', 0, 40, ['r1'], { records: 1, events: 0, bytes: 100 }],
      ['the length of a payload', 312, 4, ['r4'], { records: 1, events: 0, bytes: 100 }],
      ['a block over three records', 290, 120, ['r3', 'r4', 'r5'], { records: 1, events: 2, bytes: 300 }],
      ['two places', 350, 300, ['r4', 'r5', 'r6', 'r7'], { records: 1, events: 2, bytes: 400 }],
    ]
    for (const [what, at, bytes, lost, counted] of places) {
      it(`skips damage of ${what} to the next record, counts it and says so`, () => {
        const spool = filled(25)
        damage(spool.segments()[0] as string, at, bytes)
        const reader = spool.reader()
        expect(trimmed(textsOf(reader))).to.deep.equal(names(1, 25).filter((name) => !lost.includes(name)))
        expect(spool.ledger.counts().corrupt).to.deep.equal(counted)
        expect(spool.kinds()).to.deep.equal(['corrupt'])
        reader.close()
      })
    }

    it('goes to the next segment when one is damaged to its end, or is not there', () => {
      const spool = filled(35)
      const [, second, third] = spool.segments() as string[]
      damage(second as string, 450, 550)
      rmSync(third as string)
      expect(trimmed(spool.read())).to.deep.equal([...names(1, 14), ...names(31, 35)])
      expect(spool.kinds()).to.deep.equal(['torn', 'corrupt'])
      expect(spool.notices[1]?.message).to.equal('segments are missing, from number 3 to 3')
    })

    it('takes nothing for a record that was copied from another place, or is inside a payload', () => {
      const spool = filled(25)
      const [first, second] = spool.segments() as [string, string]
      const bytes = readFileSync(first)
      bytes.copy(bytes, 300, 500, 600)
      readFileSync(second).copy(bytes, 700, 700, 800)
      writeFileSync(first, bytes)
      expect(trimmed(spool.read())).to.deep.equal(names(1, 25).filter((name) => name !== 'r4' && name !== 'r8'))
      const outer = new TestSpool()
      const writer = outer.writer({ segmentBytes: 100_000, maxBytes: 1_000_000 })
      writer.append(bytes)
      writer.append(Buffer.from('after'))
      writer.close()
      damage(outer.segments()[0] as string, 0, 8)
      expect(outer.read()).to.deep.equal(['after'])
    })

    it('reads a header with fields of a later version', () => {
      const spool = new TestSpool()
      mkdirSync(spool.directory, { recursive: true })
      const name = '0000000001-00c0ffee.v1.seg'
      const header = Buffer.alloc(64, 9)
      header.write('TLs1', 0)
      header.writeUInt16LE(64, 8)
      header.writeUInt16LE(0, 10)
      header.writeUInt32LE(3, 12)
      header.writeUInt32LE(crc32c(Buffer.from('abc')), 16)
      header.fill(0, 20, 40)
      header.writeUInt32LE(crc32c(header.subarray(8), crc32c(Buffer.alloc(8), crc32c(Buffer.from(name)))), 4)
      writeFileSync(join(spool.directory, name), Buffer.concat([header, Buffer.from('abc')]))
      expect(spool.read()).to.deep.equal(['abc'])
    })

    it('leaves segments of a later format alone, says so, and numbers its own behind them', () => {
      const spool = filled(3)
      const later = join(spool.directory, '0000000007-00c0ffee.v2.seg')
      writeFileSync(later, 'what this version cannot read')
      const writer = spool.writer()
      expect(writer.append(Buffer.from('new'))).to.include({ segment: 8 })
      const reader = spool.reader()
      const all = recordsOf(reader)
      expect(all.length).to.equal(4)
      reader.commit((all[3] as SpoolRecord).next)
      expect(readFileSync(later, 'utf8')).to.equal('what this version cannot read')
      expect(spool.kinds()).to.deep.equal(['newer', 'newer'])
      writer.close()
      reader.close()
    })

    it('gives a failed read as a value, and goes on when the disk does', () => {
      const spool = filled(3)
      let code: string | undefined = 'EIO'
      const read: SpoolFiles['read'] = (file, into, length, position) => {
        if (code === undefined) return nodeFiles.read(file, into, length, position)
        throw Object.assign(new Error('simulated'), { code })
      }
      const reader = spool.reader({ files: { ...nodeFiles, read } })
      expect(reader.next()).to.deep.equal({ kind: 'failed', code: 'EIO', reason: 'simulated' })
      code = undefined
      expect(trimmed(textsOf(reader))).to.deep.equal(names(1, 3))
      reader.close()
    })

    it('reads around a block that stays unreadable', () => {
      const spool = new TestSpool()
      const writer = spool.writer({ segmentBytes: 200_000, maxBytes: 1_000_000 })
      for (let i = 0; i < 10; i++) writer.append(Buffer.from(`r${i}`.padEnd(10_000)))
      writer.close()
      spool.newLedger()
      const bad = 5 * 4096
      const read: SpoolFiles['read'] = (file, into, length, position) => {
        if (position < bad + 4096 && position + length > bad) throw Object.assign(new Error('simulated'), { code: 'EIO' })
        return nodeFiles.read(file, into, length, position)
      }
      const reader = spool.reader({ files: { ...nodeFiles, read } })
      const found: string[] = []
      let failures = 0
      for (let next = reader.next(); next.kind !== 'end'; next = reader.next()) {
        if (next.kind === 'failed') failures++
        else found.push(next.payload.toString().trim())
      }
      expect(failures).to.equal(3)
      expect(found).to.deep.equal(['r0', 'r1', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9'])
      reader.close()
    })

    it('sets a segment aside that stays closed to it, and goes on', () => {
      const spool = filled(25)
      const [, second] = spool.segments() as [string, string]
      const open: SpoolFiles['open'] = (path, mode) => {
        if (path === second) throw Object.assign(new Error('simulated'), { code: 'EACCES' })
        return nodeFiles.open(path, mode)
      }
      const reader = spool.reader({ files: { ...nodeFiles, open } })
      const found: string[] = []
      let failures = 0
      for (let next = reader.next(); next.kind !== 'end'; next = reader.next()) {
        if (next.kind === 'failed') failures++
        else found.push(next.payload.toString().trim())
      }
      expect(found).to.deep.equal([...names(1, 10), ...names(21, 25)])
      expect(failures).to.be.within(1, 3)
      expect(statSync(`${second}.unreadable`).size).to.equal(1000)
      reader.close()
    })
  })

  describe('commit()', () => {
    it('has the next reader begin behind it, and removes segments that are settled', () => {
      const spool = filled(25)
      settle(spool, 12)
      expect(spool.segments().length).to.equal(2)
      expect(trimmed(spool.read())).to.deep.equal(names(13, 25))
    })

    it('counts what is committed, and what is pending', () => {
      const spool = filled(5)
      const reader = spool.reader()
      const records = recordsOf(reader)
      expect(spool.ledger.counts().pending).to.deep.equal({ records: 5, events: 10, bytes: 300 })
      reader.commit((records[2] as SpoolRecord).next)
      reader.commit((records[1] as SpoolRecord).next)
      expect(spool.ledger.counts()).to.deep.include({
        recovered: { records: 5, events: 10, bytes: 300 },
        committed: { records: 3, events: 6, bytes: 180 },
        pending: { records: 2, events: 4, bytes: 120 },
        storedBytes: 500,
      })
      reader.close()
    })

    it('forces the cursor to the disk once in syncCursorMs, but has it in the file each time', () => {
      const spool = filled(25)
      let now = 0
      let synced = 0
      const files: SpoolFiles = { ...nodeFiles, sync: () => void synced++, syncDirectory: () => {} }
      const reader = spool.reader({ files, now: () => now, syncCursorMs: 1000 })
      const seen = [0, 400, 999, 1000, 1500, 2000].map((at) => {
        now = at
        const found = reader.next() as SpoolRecord
        expect(reader.commit(found.next)).to.equal(true)
        return [synced, Math.max(...offsetsIn(spool))]
      })
      expect(seen).to.deep.equal([
        [1, 100],
        [1, 200],
        [1, 300],
        [2, 400],
        [2, 500],
        [3, 600],
      ])
      reader.close()
    })

    it('has the place before, when the write of the last one was torn', () => {
      const spool = filled(25)
      const reader = spool.reader({ now: () => 0, syncCursorMs: 1000 })
      for (let i = 0; i < 4; i++) reader.commit((reader.next() as SpoolRecord).next)
      const cells = join(spool.directory, 'cursor.now')
      const bytes = readFileSync(cells)
      const last = bytes.indexOf('"offset":400')
      expect(offsetsIn(spool)).to.have.members([100, 300, 400])
      bytes.fill(0, last, last + 30)
      writeFileSync(cells, bytes)
      expect(trimmed(spool.read())).to.deep.equal(names(4, 25))
      writeFileSync(cells, '')
      expect(trimmed(spool.read())).to.deep.equal(names(2, 25))
      reader.close()
    })

    it('keeps fields of the cursor that it does not know', () => {
      const spool = filled(5)
      settle(spool, 1)
      settle(spool, 1)
      for (const slot of [0, 1])
        if (readdirSync(spool.directory).includes(`cursor.${slot}`))
          writeCursor(spool, slot, { ...lineOf(cursor(spool, slot)), later: [1] })
      settle(spool, 1)
      expect([0, 1].map((slot) => lineOf(cursor(spool, slot))).filter(({ later }) => later !== undefined)).to.have.length(2)
    })

    it('counts as late what the writer had dropped before', () => {
      const spool = new TestSpool()
      const writer = spool.writer({ maxBytes: 4096, whenFull: 'drop-oldest' })
      const reader = spool.reader()
      for (const name of names(1, 40)) writer.append(Buffer.from(name.padEnd(PAYLOAD)))
      const first = [reader.next(), reader.next(), reader.next()] as SpoolRecord[]
      reader.commit((first[0] as SpoolRecord).next)
      for (const name of names(41, 45)) writer.append(Buffer.from(name.padEnd(PAYLOAD)))
      reader.commit((first[2] as SpoolRecord).next)
      const { committed, dropped, late, pending } = spool.ledger.counts()
      expect([committed.records, dropped.records, late.records, pending.records]).to.deep.equal([1, 9, 2, 35])
      expect(trimmed(textsOf(reader))).to.deep.equal(names(11, 45))
      writer.close()
      reader.close()
    })
  })

  describe('two readers on one ledger', () => {
    it('take turns, and the next process goes on behind the last commit, whoever made it', () => {
      const spool = filled(25)
      const readers = [spool.reader(), spool.reader()]
      for (let turn = 1; turn <= 9; turn++) {
        const reader = readers[turn % 3 === 0 ? 0 : 1] as (typeof readers)[0]
        reader.rewind()
        const found = reader.next() as SpoolRecord
        expect(found.payload.toString().trim()).to.equal(`r${turn}`)
        reader.commit(found.next)
        expect(trimmed(new TestSpool(spool.directory).read())[0]).to.equal(`r${turn + 1}`)
      }
      expect(spool.ledger.counts().committed.records).to.equal(9)
      for (const reader of readers) reader.close()
      expect(trimmed(spool.read())[0]).to.equal('r10')
    })
  })

  describe('rewind()', () => {
    it('goes back to the first record that is not committed', () => {
      const spool = filled(15)
      const reader = spool.reader()
      const records = recordsOf(reader)
      reader.commit((records[4] as SpoolRecord).next)
      reader.rewind()
      expect(trimmed(textsOf(reader))).to.deep.equal(names(6, 15))
      expect(spool.ledger.counts().committed.records).to.equal(5)
      reader.close()
    })
  })

  describe('a cursor', () => {
    const generations = (): TestSpool => {
      const spool = filled(25)
      settle(spool, 3)
      settle(spool, 3)
      return spool
    }
    const youngest = (spool: TestSpool): number =>
      (lineOf(cursor(spool, 0))['generation'] as number) > (lineOf(cursor(spool, 1))['generation'] as number) ? 0 : 1

    it('that is torn gives way to the older generation: records come again, none is lost', () => {
      const spool = generations()
      const path = cursor(spool, youngest(spool))
      writeFileSync(path, readFileSync(path).subarray(0, 20))
      expect(trimmed(spool.read())).to.deep.equal(names(4, 25))
      expect(spool.kinds()).to.deep.equal(['cursor'])
    })

    it('that is ahead of all segments gives way to the older generation', () => {
      const spool = generations()
      writeCursor(spool, youngest(spool), { v: 1, generation: 99, segment: 70, offset: 5, name: '0000000070-00c0ffee.v1.seg' })
      expect(trimmed(spool.read())).to.deep.equal(names(4, 25))
    })

    it('of another spool gives way, although its number is right', () => {
      const spool = generations()
      writeCursor(spool, youngest(spool), { v: 1, generation: 99, segment: 2, offset: 500, name: '0000000002-00c0ffee.v1.seg' })
      expect(trimmed(spool.read())).to.deep.equal(names(4, 25))
    })

    it('that is ahead of its own segment, of which the end was lost, stays: nothing comes again', () => {
      const spool = filled(10)
      settle(spool, 6)
      const [path] = spool.segments() as [string]
      writeFileSync(path, readFileSync(path).subarray(0, 350))
      expect(spool.read()).to.deep.equal([])
      expect(spool.kinds()).to.deep.equal(['cursor'])
    })

    for (const [what, spoil] of [
      ['lost', (path: string) => rmSync(path)],
      ['empty', (path: string) => writeFileSync(path, '')],
      ['rubbish', (path: string) => writeFileSync(path, '{"v":1,"segment":1}\n00000000\n')],
      ['unreadable', (path: string) => renameSync(mkdirBeside(path), path)],
    ] as const) {
      it(`of which both generations are ${what} gives way to the oldest record`, () => {
        const spool = filled(25)
        settle(spool, 12)
        settle(spool, 1)
        for (const slot of [0, 1]) spoil(cursor(spool, slot))
        expect(trimmed(spool.read())).to.deep.equal(names(11, 25))
        expect(spool.kinds()[0]).to.equal('cursor')
      })
    }

    it('is found in the place that it names, after a spool moved', () => {
      const spool = filled(25)
      settle(spool, 3)
      renameSync(spool.directory, `${spool.directory}-moved`)
      expect(trimmed(new TestSpool(`${spool.directory}-moved`).read())).to.deep.equal(names(4, 25))
    })
  })

  it('refuses wrong options', () => {
    expect(() => openSpoolReader({} as never)).to.throw(/needs 'directory'/)
    expect(() => openSpoolReader({ directory: 'x', ledger: new ArrayBuffer(8) as never })).to.throw(/a SharedArrayBuffer/)
  })
})
