import { expect } from 'chai'
import { GROUPS } from './table'
import { expectedOn, outcomeOf, thisLine } from './trap'

describe('traps', () => {
  for (const { title, traps } of GROUPS) {
    describe(title, () => {
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
