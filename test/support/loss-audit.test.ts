import { expect } from 'chai'
import { audit } from './loss-audit'

const line = (i: number, more: object = {}): string => JSON.stringify({ msg: `line ${i} end`, ...more })
const file = (...lines: string[]): string => lines.map((one) => `${one}\n`).join('')
const clean = { kept: 3, torn: 0, doubled: 0, outOfOrder: 0, firstMissing: 3, announced: 0 }

describe('audit()', () => {
  it('finds nothing wrong in lines that are all there', () => {
    expect(audit(file(line(0), line(1), line(2)), 3)).to.deep.equal(clean)
  })

  it('names the first number that is missing', () => {
    expect(audit(file(line(0), line(2)), 3)).to.deep.equal({ ...clean, kept: 2, firstMissing: 1 })
  })

  it('counts a number that comes twice, and not as out of order', () => {
    expect(audit(file(line(0), line(1), line(0), line(1), line(2)), 3)).to.deep.equal({ ...clean, doubled: 2 })
  })

  it('counts a sequence number that comes twice', () => {
    const own = { instance: 'a', seq: 7 }
    expect(audit(file(line(0, own), line(1, own), line(2, { instance: 'b', seq: 7 })), 3)).to.deep.equal({ ...clean, doubled: 1 })
  })

  it('counts what is out of order', () => {
    expect(audit(file(line(1), line(0), line(2)), 3)).to.deep.equal({ ...clean, outOfOrder: 1 })
  })

  it('counts a line that another one is glued to, and does not keep it', () => {
    expect(audit(file(line(0), `${line(1).slice(0, 9)}${line(2)}`), 3)).to.deep.equal({
      ...clean,
      kept: 1,
      torn: 1,
      firstMissing: 1,
    })
  })

  it('counts an unfinished last line, and a whole one without its line feed', () => {
    expect(audit(file(line(0), line(1)) + line(2).slice(0, 9), 3)).to.deep.include({ kept: 2, torn: 1 })
    expect(audit(file(line(0), line(1)) + line(2), 3)).to.deep.include({ kept: 3, torn: 1 })
  })

  it('adds up what lines announce as discarded', () => {
    const loss = JSON.stringify({ msg: '5 events were discarded', discarded: { info: 3, debug: 2 } })
    expect(audit(file(line(0), loss, loss), 1)).to.deep.include({ kept: 1, announced: 10, torn: 0 })
  })
})
