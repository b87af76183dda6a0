import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { projectFile } from '../support'

/* The tests that a row names: `file: words of a title; more words`, where a file holds until the next one. */
function namedTests(cell: string): [file: string, words: string][] {
  let file = ''
  return cell.split(';').map((part) => {
    const match = /^\s*([\w./-]+): (.*)$/.exec(part)
    file = match?.[1] ?? file
    return [file, (match?.[2] ?? part).trim()]
  })
}

describe('docs/specs/spool.md', () => {
  const rows = readFileSync(projectFile('docs/specs/spool.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| \d+ /.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()))

  it('has rows', () => {
    expect(rows.length).to.be.above(10)
  })

  for (const [, number, , tests] of rows) {
    it(`names tests that are there in row ${number}`, () => {
      for (const [file, words] of namedTests(tests as string)) {
        expect(readFileSync(projectFile(`test/spool/${file}.test.ts`), 'utf8')).to.contain(words)
      }
    })
  }
})
