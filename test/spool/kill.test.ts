import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { heavy, projectFile, startNode, tempFolder } from '../support'

const RUNS = heavy ? 1000 : 6
const LIVES = 4

interface Life {
  readonly directory: string
  readonly recovered: number
  readonly read: readonly number[]
}

/* What the lives before say, line by line: a number that was accepted; c and one of which the commit began; d and one of which it was done. */
function expected(acks: string): { readonly accepted: readonly number[]; readonly begun: number; readonly done: number } {
  const lines = existsSync(acks) ? readFileSync(acks, 'latin1').split('\n').slice(0, -1) : []
  const numbers = (mark: RegExp): number[] =>
    lines.filter((line) => mark.test(line)).map((line) => Number(line.replace(/\D/, '')))
  return { accepted: numbers(/^\d/), begun: Math.max(0, ...numbers(/^c/)), done: Math.max(0, ...numbers(/^d/)) }
}

/* One life: reads what is there, writes until SIGKILL. */
async function live(base: string, acks: string, first: number, afterMs: number): Promise<Life & { readonly torn: number }> {
  const program = startNode([projectFile('test/fixtures/spool/writer.cjs'), base, acks, String(first), 'commit'], {
    env: { SPOOL_ROOM: projectFile('dist/lib/spool') },
  })
  await program.waitForOutput(/"directory".*\n/)
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  const { stdout, stderr } = await program.stop('SIGKILL')
  expect(stderr).to.equal('')
  const said = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Life & { notice?: { kind: string; message: string } })
  const notices = said.flatMap(({ notice }) => notice ?? [])
  // The record that the test cut off may have been committed.
  expect(notices.filter(({ kind, message }) => kind !== 'torn' && !message.includes('of which the end was lost'))).to.deep.equal(
    [],
  )
  const torn = notices.filter(({ kind }) => kind === 'torn').length
  return { ...(said.find(({ directory }) => directory !== undefined) as Life), torn }
}

/* What a killed write, or a power failure, may leave at the end: a part of the last record, or rubbish behind it. */
function tear(directory: string, run: number): number {
  const last = readdirSync(directory)
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .at(-1)
  if (last === undefined) return 0
  const path = join(directory, last)
  if (run % 3 === 1) appendFileSync(path, Buffer.alloc(1 + (run % 5000), run))
  if (run % 3 !== 2 || statSync(path).size < 10) return 0
  truncateSync(path, statSync(path).size - 10)
  return 1
}

describe('a process that spools and is killed', function () {
  this.timeout(3_600_000)

  it(`leaves all but a torn record to the next one, in order: ${RUNS} runs`, async () => {
    const totals = { records: 0, lost: 0, torn: 0 }
    for (let run = 0; run < RUNS; run += LIVES) {
      const base = tempFolder()
      const acks = join(base, 'acks')
      let next = 1
      let cut = 0
      const gone = new Set<number>()
      const known = new Set<number>()
      const directories = new Set<string>()
      for (let life = 0; life <= LIVES; life++) {
        const { accepted, begun, done } = expected(acks)
        const { directory, recovered, read, torn } = await live(base, acks, next, (run * 13 + life * 7) % 40)
        directories.add(directory)
        expect(read, 'order').to.deep.equal([...read].sort((a, b) => a - b))
        expect(new Set(read).size, 'each once').to.equal(read.length)
        expect(recovered, 'counted at the opening').to.equal(read.length)
        const missing = accepted.filter((id) => id > begun && !read.includes(id) && !gone.has(id))
        expect(missing.length, `lost ${missing} of ${accepted.length}`).to.be.at.most(cut)
        for (const id of missing) gone.add(id)
        // A record may be there without its acknowledgement, when the kill came between; none that was committed before.
        for (const id of accepted) known.add(id)
        expect(read.filter((id) => !known.has(id)).length, 'not acknowledged').to.be.at.most(1)
        for (const id of read) known.add(id)
        expect(read.filter((id) => id <= done)).to.deep.equal([])
        totals.records += read.length
        totals.lost += missing.length
        totals.torn += torn
        next = Math.max(next, ...expected(acks).accepted, ...read) + 2
        cut = tear(directory, run + life)
      }
      expect(directories.size, 'each life takes the spool of the last one').to.equal(1)
    }
    expect(totals.records).to.be.above(RUNS)
    expect(totals.lost).to.be.at.most(totals.torn)
  })
})
