import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { eventOf, heavy, judge, projectFile, tempFolder, type Verdict } from '../support'
import { pipeDestination } from '../support/loss-destination'

const PROGRAM = projectFile('test/fixtures/full-queue/program.cjs')
const USERS = 100
const LINES_PER_USER = heavy ? 10_000 : 200
const TOTAL = USERS * LINES_PER_USER
const READER_SLEEPS_MS = 4

interface Report {
  readonly entered: number
  readonly discarded: number
  readonly counts: Readonly<Record<'delivered' | 'discarded' | 'failed' | 'pending', number>> & { readonly spooled?: number }
}

/* Whether a policy gives events up, and what it is set up with. */
const POLICIES: Readonly<Record<string, { readonly gives: boolean; readonly options: object }>> = {
  'the default': { gives: true, options: {} },
  discard: { gives: true, options: { overflow: 'discard' } },
  'drop-newest': { gives: true, options: { overflow: 'drop-newest' } },
  block: { gives: false, options: { overflow: 'block' } },
  spill: { gives: false, options: { overflow: 'spill', spool: { directory: 'SPOOL', maxBytes: 4 * 2 ** 30 } } },
  sync: { gives: false, options: { overflow: 'sync', appendTimeoutMs: 60_000 } },
  'no thread': { gives: true, options: { thread: false } },
}

async function logMuch(options: object): Promise<{ report: Report; verdict: Verdict }> {
  const pipe = pipeDestination(tempFolder(), READER_SLEEPS_MS)
  const env = { ...process.env, LINES_PER_USER: String(LINES_PER_USER) }
  const stdio = ['ignore', pipe.stdout, 'pipe', 'pipe'] as const
  const argument = JSON.stringify(options).replace('"SPOOL"', JSON.stringify(tempFolder()))
  const child = spawn(process.execPath, [PROGRAM, argument], { env, stdio: [...stdio] })
  pipe.started()
  const [, , stderr, said] = child.stdio
  const heard = Promise.all([text(stderr as NodeJS.ReadableStream), text(said as NodeJS.ReadableStream)])
  const [code] = await eventOf(child, 'exit', 180_000)
  await pipe.ended()
  const [complaints, report] = await heard
  expect(code, complaints).to.equal(0)
  return { report: JSON.parse(report) as Report, verdict: judge(pipe.text().split('\n').slice(0, -1), LINES_PER_USER) }
}

describe(`100 users who log ${TOTAL} lines into a full queue`, function () {
  this.timeout(200_000)
  for (const [policy, { gives, options }] of Object.entries(POLICIES)) {
    it(`${policy}: each line has the trace and the MDC of its user, and every line that is not there is counted`, async () => {
      const { report, verdict } = await logMuch(options)
      expect(verdict).to.include({ wrongId: 0, wrongMdc: 0, doubled: 0 })
      expect(verdict.missing, 'missing, and counted').to.equal(report.discarded + (report.counts.spooled ?? 0))
      expect(report.counts).to.include({ discarded: report.discarded, failed: 0, pending: 0 })
      expect(report.entered).to.equal(TOTAL)
      if (gives) expect(report.discarded, 'the queue was never full').to.be.above(0)
      else expect(report.discarded).to.equal(0)
    })
  }
})
