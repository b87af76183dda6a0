import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { heavy, projectFile, runNode, tempFolder } from '../support'
import { audit, WRITE_LINES } from '../support/loss-audit'

const PROGRAM = projectFile('test/fixtures/loss/worker-kills.cjs')
const LINES = heavy ? 1_000_000 : 20_000
const KILLS = heavy ? 100 : 5
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000))

interface Report {
  readonly killed: number
  readonly entered: number
  readonly counts: { readonly delivered: number; readonly discarded: number; readonly failed: number; readonly pending: number }
}

describe('a flush thread that is killed', () => {
  it(`${KILLS} times in ${LINES} lines loses none, tears none, doubles a write a kill at most, and counts right (SEED=${SEED})`, async function () {
    this.timeout(heavy ? 310_000 : 60_000)
    const file = join(tempFolder(), 'out.log')
    const setting = JSON.stringify({ file, lines: LINES, kills: KILLS, seed: SEED })
    const { code, stdout, stderr } = await runNode([PROGRAM, setting], { deadlineMs: heavy ? 300_000 : 50_000 })
    expect(code, stderr).to.equal(0)
    const { killed, entered, counts } = JSON.parse(stdout) as Report
    expect(killed).to.equal(KILLS)
    const { kept, torn, doubled, outOfOrder } = audit(readFileSync(file, 'utf8'), LINES)
    expect({ kept, torn, outOfOrder }).to.deep.equal({ kept: LINES, torn: 0, outOfOrder: 0 })
    expect(doubled).to.be.at.most(KILLS * WRITE_LINES)
    expect(entered, 'events that entered').to.equal(LINES)
    expect(counts).to.include({ delivered: LINES, discarded: 0, failed: 0, pending: 0 })
    console.log(`      ${KILLS} kills: ${doubled} lines came twice`)
  })
})
