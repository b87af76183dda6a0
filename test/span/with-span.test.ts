import { expect } from 'chai'
import { withSpan, withTask } from 'tracelane'
import { projectRoot, runNode } from '../support'

const ways = {
  withSpan: <R>(fn: () => R): R => withSpan('charge card', fn),
  withTask: <R>(fn: () => R): R => withTask({ task: 'import-42' }, fn),
}

for (const [name, run] of Object.entries(ways)) {
  describe(`${name}()`, () => {
    it('returns what its function returns', () => {
      expect(run(() => 7)).to.equal(7)
    })

    it('returns a promise that settles as that of its function does', async () => {
      expect(await run(async () => 7)).to.equal(7)
      const failure = new Error('declined')
      const thrown = await run(async () => Promise.reject(failure)).catch((reason: unknown) => reason)
      expect(thrown).to.equal(failure)
    })

    it('returns a thenable that is no promise untouched', () => {
      let asked = 0
      const query = {
        // biome-ignore lint/suspicious/noThenProperty: a query builder is a thenable
        then() {
          asked++
        },
      }
      expect(run(() => query)).to.equal(query)
      expect(asked).to.equal(0)
    })

    it('hides no rejection that nobody handles', async () => {
      const call = name === 'withSpan' ? "withSpan('charge card', fn)" : "withTask({ task: 'import-42' }, fn)"
      const script = `const { ${name} } = require('tracelane'); const fn = async () => { throw new Error('declined') }; void ${call}`
      const { code, stderr } = await runNode(['-e', script], { cwd: projectRoot })
      expect(code).to.equal(1)
      expect(stderr).to.contain('Error: declined')
    })
  })
}
