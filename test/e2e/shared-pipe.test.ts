import { spawn } from 'node:child_process'
import { expect } from 'chai'
import { eventOf, heavy, projectFile, tempFolder } from '../support'
import { pipeDestination } from '../support/loss-destination'

const PROGRAM = projectFile('test/fixtures/loss/shared-pipe.cjs')
const COUNT = heavy ? 20_000 : 2_000
const WRITERS = ['a', 'b']

interface Line {
  readonly msg: string
  readonly writer: string
  readonly i: number
}

describe('two processes and their console.log on one pipe', () => {
  it(`tear no line of up to PIPE_BUF bytes, and lose none of ${COUNT} each`, async function () {
    this.timeout(60_000)
    const pipe = pipeDestination(tempFolder())
    const children = WRITERS.map((writer) =>
      spawn(process.execPath, [PROGRAM, writer, String(COUNT)], { stdio: ['ignore', pipe.stdout, 'inherit'] }),
    )
    pipe.started()
    const codes = await Promise.all(children.map(async (child) => (await eventOf(child, 'exit', 60_000))[0]))
    await pipe.ended()
    expect(codes).to.deep.equal([0, 0])
    const counts = new Map<string, number>()
    const last = new Map<string, number>()
    for (const text of pipe.text().trimEnd().split('\n')) {
      const { msg, writer, i } = JSON.parse(text) as Line
      const who = `${writer}, ${msg}`
      counts.set(who, (counts.get(who) ?? 0) + 1)
      expect(i, `out of order: ${who}`).to.be.above(last.get(who) ?? -1)
      last.set(who, i)
    }
    for (const writer of WRITERS) {
      expect(counts.get(`${writer}, ours`)).to.equal(COUNT)
      expect(counts.get(`${writer}, its own`)).to.equal(COUNT / 5)
    }
  })
})
