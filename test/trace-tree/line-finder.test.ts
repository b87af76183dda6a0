import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { findLines, linesWith, MAX_LINE_BYTES } from '../../lib/trace-tree'
import { tempFolder } from '../support'
import { TRACE } from '../support/log-file'

async function search(text: string, chunkBytes: number) {
  const bytes = Buffer.from(text)
  async function* chunks() {
    for (let i = 0; i < bytes.length; i += chunkBytes) yield bytes.subarray(i, i + chunkBytes)
  }
  return collect(linesWith(TRACE, chunks()))
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('linesWith()', () => {
  const text = `first\nä ${TRACE} one\nother\n${TRACE}\n\n${TRACE} and ${TRACE}\nlast ${TRACE}`
  const expected = [`ä ${TRACE} one`, TRACE, `${TRACE} and ${TRACE}`, `last ${TRACE}`]

  for (const chunkBytes of [1, 2, 7, 33, 64, 1000]) {
    it(`finds each line once, with its offset, in chunks of ${chunkBytes} bytes`, async () => {
      const found = await search(text, chunkBytes)
      expect(found.map((line) => line.text)).to.deep.equal(expected)
      for (const { text: line, offset } of found) {
        expect(Buffer.from(text).toString('utf8', offset, offset + Buffer.byteLength(line))).to.equal(line)
      }
    })
  }

  it('cuts a line that is too long and goes on with the next one', async () => {
    const long = `${TRACE} ${'x'.repeat(3 * MAX_LINE_BYTES)} ${TRACE}`
    const found = await search(`${long}\nnext ${TRACE}\n`, 300_000)
    expect(found.map((line) => line.text.slice(0, 50).trim())).to.deep.equal([long.slice(0, 50), `next ${TRACE}`])
    expect(found[0]?.text.length).to.equal(MAX_LINE_BYTES)
    expect(found[1]?.offset).to.equal(long.length + 1)
  })
})

describe('findLines()', () => {
  let folder: string
  beforeEach(() => {
    folder = tempFolder()
  })

  it('reads a file that is named twice once, and standard input', async () => {
    const file = join(folder, 'a.log')
    writeFileSync(file, `${TRACE} in the file\n`)
    const found = await findLines(
      TRACE,
      [file, join(folder, '.', 'a.log'), '-'],
      Readable.from([Buffer.from(`${TRACE} in the pipe\n`)]),
    )
    expect(found.map(({ msg, service }) => [service, msg])).to.deep.equal([
      ['a', `${TRACE} in the file`],
      ['stdin', `${TRACE} in the pipe`],
    ])
  })

  const failure = async (file: string): Promise<unknown> => findLines(TRACE, [file]).catch((error: unknown) => error)

  it('says which file is not there', async () => {
    expect(await failure(join(folder, 'nope.log'))).to.include({ code: 'ERR_TRACELANE_FILE_UNREADABLE' })
  })

  it('says that a folder is no file', async () => {
    expect(await failure(folder))
      .to.be.an('error')
      .with.property('message')
      .that.contains('is a folder')
  })
})
