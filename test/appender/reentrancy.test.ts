import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { projectFile, runNode, tempFolder } from '../support'
import { accountedFor, Destination, linesIn, Subject } from './destination'

const program = projectFile('test/fixtures/appender/reentrant.cjs')

async function messages(how: string, options = {}): Promise<{ msgs: string[]; code: number | null; stdout: string }> {
  const file = join(tempFolder(), 'out.log')
  const { code, stdout } = await runNode([program, how, file, JSON.stringify(options)], { deadlineMs: 20_000 })
  return { msgs: linesIn(readFileSync(file, 'utf8')).map(({ msg }) => msg), code, stdout }
}

describe('a getter of what is logged', () => {
  for (const thread of [true, false]) {
    const where = thread ? '' : ', without a thread'

    it(`may log: its line comes first${where}`, async () => {
      const { msgs, code } = await messages('throw', { thread })
      expect(msgs).to.deep.equal(['before', 'inner', 'outer', 'after'])
      expect(code).to.equal(0)
    })

    it(`may end the process: what came before is written${where}`, async () => {
      const { msgs, code } = await messages('exit', { thread })
      expect(msgs).to.deep.equal(['before', 'inner'])
      expect(code).to.equal(3)
    })

    it(`may flush: what came before is written then${where}`, async () => {
      const { msgs, stdout } = await messages('flush', { thread, flushIntervalMs: 60_000 })
      expect(msgs).to.deep.equal(['before', 'inner', 'outer', 'after'])
      expect(stdout).to.match(/^pending: [0-2]\n$/)
    })

    it(`may log itself without end: the program goes on${where}`, async () => {
      const { msgs, code } = await messages('again', { thread })
      expect(code).to.equal(0)
      expect(msgs[0]).to.equal('before')
      expect(msgs.slice(-2)).to.deep.equal(['outer', 'after'])
    })
  }

  for (const overflow of ['discard', 'block', 'drop-newest', 'sync'] as const) {
    it(`may log more than the queue holds: ${overflow}`, async () => {
      const destination = new Destination()
      const subject = new Subject(destination, { overflow, queueBytes: 4096, appendTimeoutMs: 5000 })
      subject.append('outer', 'warn', {
        get nested() {
          for (let i = 0; i < 200; i++) subject.append('x'.repeat(200), 'warn', { i })
          return 'seen'
        },
      })
      await subject.appender.close()
      const { ledger } = subject
      expect(accountedFor(ledger)).to.equal(ledger.entered)
      expect(ledger.delivered).to.equal(destination.lines().length)
      if (overflow !== 'drop-newest') expect(destination.lines()).to.have.length(201)
    })
  }
})
