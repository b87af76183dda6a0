import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { requires } from '../support'
import { GROUPS } from './table'
import { expectedOn, outcomeOf, thisLine } from './trap'

/* A Postgres takes four seconds of a whole core to begin. */
const OPEN_MS = 60_000
const isInstalled = (program: string): boolean => spawnSync(program, ['--version']).status === 0

describe('traps', () => {
  for (const group of GROUPS) {
    const { title, traps, needs } = group
    describe(title, () => {
      let close: (() => Promise<unknown>) | undefined
      before(async function () {
        if (needs !== undefined) requires(this, needs, isInstalled(needs))
        this.timeout(OPEN_MS)
        close = await group.open?.()
      })
      after(() => close?.())

      for (const trap of traps) {
        const plain = expectedOn(trap, thisLine())
        it(`${trap.name}: ${plain} without any change`, async () => {
          expect(await outcomeOf(trap, false)).to.equal(plain)
        })
        if (trap.cure === undefined) continue
        it(`${trap.name}: ok with ${trap.cure}`, async () => {
          expect(await outcomeOf(trap, true)).to.equal('ok')
        })
      }
    })
  }
})
