import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { writeFully } from '../../lib/sinks/write-fully'
import { tempFolder } from '../support'

const never = (): boolean => {
  throw new Error('nothing to wait for')
}

describe('writeFully()', () => {
  it('writes all of it', () => {
    const path = join(tempFolder(), 'f')
    const fd = openSync(path, 'a')
    const text = 'line\n'.repeat(10_000)
    expect(writeFully(fd, Buffer.from(text), 4096, never)).to.deep.equal({ outcome: 'delivered' })
    closeSync(fd)
    expect(readFileSync(path, 'utf8')).to.equal(text)
  })

  it('waits while a pipe is full, goes on where it stopped, and sends whole lines in each write', () => {
    const { reader, writer } = pipe()
    const chunks: string[] = []
    const text = Array.from({ length: 30_000 }, (_, i) => `line ${i}\n`).join('')
    const buffer = Buffer.alloc(65_536)
    const read = (): boolean => {
      chunks.push(buffer.toString('utf8', 0, readSync(reader, buffer)))
      return true
    }
    expect(writeFully(writer, Buffer.from(text), 4096, read)).to.deep.equal({ outcome: 'delivered' })
    closeSync(writer)
    while (chunks.at(-1) !== '') read()
    closeSync(reader)
    expect(chunks.join('')).to.equal(text)
    expect(chunks.every((chunk) => chunk === '' || chunk.endsWith('\n'))).to.equal(true)
  })

  it('says how much was written when it is told to stop', () => {
    const { reader, writer } = pipe()
    const result = writeFully(writer, Buffer.alloc(200_000, 'x'), 4096, () => false)
    expect(result).to.include({ outcome: 'retryable', written: 65_536 })
    closeSync(writer)
    closeSync(reader)
  })

  it('says rejected for a pipe without a reader, and retryable for a full disk', () => {
    const { reader, writer } = pipe()
    closeSync(reader)
    expect(writeFully(writer, Buffer.from('x\n'), 4096, never)).to.include({ outcome: 'rejected', written: 0 })
    closeSync(writer)
    const full = openSync('/dev/full', 'a')
    expect(writeFully(full, Buffer.from('x\n'), 4096, never)).to.include({ outcome: 'retryable', written: 0 })
    closeSync(full)
  })
})

function pipe(): { reader: number; writer: number } {
  const path = join(tempFolder(), 'pipe')
  execFileSync('mkfifo', [path])
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return { reader, writer: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK) }
}
