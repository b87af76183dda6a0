import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect } from 'chai'
import { jsonLinesOf, type Outcome, projectFile, requires, run, runNode, tempFolder } from '../support'

const PROGRAM = projectFile('test/fixtures/appender/denied.cjs')
const PERMISSION = ['--permission', '--experimental-permission'].find((flag) => process.allowedNodeEnvironmentFlags.has(flag))

interface Report {
  readonly reasons: readonly string[]
  readonly result: { readonly delivered: number; readonly discarded: number; readonly failed: number; readonly pending: number }
  readonly entered: number
  readonly discarded: { readonly threshold?: { readonly info?: number } }
  readonly thread: boolean
  readonly inFlight: number
  readonly blockedMs: number
}

/* The reason is told, and everything else is as with a thread: bounds, levels, counts, the announcement of the loss. */
function expectPolicies({ code, stdout, stderr }: Outcome, folder: string, reason: RegExp): void {
  expect(code, stdout + stderr).to.equal(0)
  const { reasons, result, entered, discarded, thread, inFlight, blockedMs } = JSON.parse(stdout) as Report
  expect(reasons).to.have.length(1)
  expect(reasons[0]).to.match(reason)
  expect(thread).to.equal(false)
  const lost = discarded.threshold?.info ?? 0
  expect(lost).to.be.within(100, 195)
  expect(discarded).to.deep.equal({ threshold: { info: lost } })
  // The announcement is an event of its own, right before the event that had room again.
  expect(inFlight).to.equal(202 - lost)
  expect(blockedMs).to.equal(0)
  expect(entered).to.equal(202)
  expect(result).to.deep.equal({ delivered: 202 - lost, discarded: lost, failed: 0, pending: 0 })
  const lines = jsonLinesOf(join(folder, 'later/out.log'))
  expect(lines).to.have.length(202 - lost)
  expect(lines.find(({ logger }) => logger === 'tracelane.appender')).to.deep.include({
    level: 'warn',
    discarded: { info: lost },
  })
  expect(lines.some(({ msg }) => msg === 'kept')).to.equal(true)
}

describe('without a flush thread the same policies hold', () => {
  it('where a worker cannot be started', async () => {
    const folder = tempFolder()
    expectPolicies(await runNode([PROGRAM, folder, 'forbidden']), folder, /^file: no worker can be started \(forbidden here\)$/)
  })

  it('where Node has no permission to start one', async function () {
    requires(this, 'the permission model', PERMISSION !== undefined)
    const folder = tempFolder()
    const flags = [PERMISSION as string, '--allow-fs-read=*', '--allow-fs-write=*', '--no-warnings']
    expectPolicies(
      await runNode([...flags, PROGRAM, folder]),
      folder,
      /^file: no worker can be started \(.*(permission|restricted)/,
    )
  })

  it('where only one CPU may be used', async function () {
    requires(this, 'taskset', spawnSync('taskset', ['--version']).status === 0)
    const folder = tempFolder()
    const outcome = await run('taskset', ['-c', '0', process.execPath, PROGRAM, folder])
    expectPolicies(outcome, folder, /^file: only one CPU may be used$/)
  })

  it('where the process is frozen between calls', async () => {
    const folder = tempFolder()
    const outcome = await runNode([PROGRAM, folder], { env: { AWS_LAMBDA_FUNCTION_NAME: 'orders' } })
    expectPolicies(outcome, folder, /^file: the process is frozen between calls \(AWS Lambda\)$/)
  })
})
