import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { jsonLinesOf, projectFile, runNode, tempFolder } from '../support'

const PROGRAM = projectFile('test/fixtures/appender/top-level.mjs')

describe('await flush() at the top level of an ES module', () => {
  const states = {
    'when the flush thread was just started': ['cold', 1],
    'when it runs already': ['warm', 2],
    'when all is flushed': ['again', 1],
    'when nothing was ever logged': ['empty', 0],
  } as const

  for (const thread of ['thread', 'no thread']) {
    for (const [when, [how, delivered]] of Object.entries(states)) {
      it(`returns, and the process ends by itself: ${when} (${thread})`, async () => {
        const path = join(tempFolder(), 'out.log')
        const { code, stdout, stderr } = await runNode([PROGRAM, path, how, thread], { deadlineMs: 20_000 })
        // Code 13 and a warning would say that the module was never finished.
        expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
        expect(JSON.parse(stdout)).to.deep.equal({ delivered, discarded: 0, failed: 0, pending: 0 })
        if (delivered > 0) expect(jsonLinesOf(path)).to.have.length(delivered)
      })
    }

    it(`returns at its deadline, and the process ends by itself: when nobody reads the FIFO (${thread})`, async () => {
      const fifo = join(tempFolder(), 'fifo')
      execFileSync('mkfifo', [fifo])
      const { code, stdout, stderr } = await runNode([PROGRAM, fifo, 'unread', thread], { deadlineMs: 20_000 })
      expect(code, stderr).to.equal(0)
      expect(JSON.parse(stdout)).to.deep.equal({ delivered: 0, discarded: 0, failed: 0, pending: 1 })
      expect(stderr).to.contain('1 events were not written before the process ended')
    })
  }
})
