import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { heavy, runNode, startNode, tempFolder, until } from '../support'
import { adopt, apps, ask, users } from '../support/drop-in'
import { SERVICES, startShop, threeFreePorts } from '../support/shop'
import { appWith, codesOf, DOCTOR, examine, reportOf, reportsIn } from './support'

const steady = (text: string): string => text.replace(/process \d+/g, 'process 1').replace(/"(pid|time)":\d+/g, '"$1":1')

/* One of each kind; all of them with TRACELANE_HEAVY. */
const EXAMINED = new Set(['pino-esm-grpc', 'winston-cjs', 'nest-cjs', 'ours-esm'])

describe('the doctor, as a program', function () {
  this.timeout(60_000)

  for (const end of ['exit', 'throw', 'reject', 'signal', 'handled']) {
    it(`changes neither the end of a program by '${end}' nor its stdout, and reports once`, async () => {
      const folder = await appWith()
      const without = await runNode(['ending.cjs', end], { cwd: folder })
      const { outcome, diagnoses } = await examine(folder, ['ending.cjs', end])
      expect({ code: outcome.code, signal: outcome.signal }).to.deep.equal({ code: without.code, signal: without.signal })
      expect(steady(outcome.stdout)).to.equal(steady(without.stdout))
      expect(outcome.stderr.match(/tracelane doctor:/g)).to.have.length(1)
      expect(diagnoses).to.have.length(1)
      expect(diagnoses[0]?.logCalls?.total).to.equal(end === 'handled' ? 2 : 1)
    })
  }

  it('says the same of the same run', async () => {
    const folder = await appWith(['express', 'pino'])
    const texts = []
    for (let i = 0; i < 2; i++) texts.push(steady((await examine(folder, ['late.cjs'])).outcome.stderr))
    expect(texts[0]).to.equal(texts[1])
  })

  it('lets a program end as before whose stderr is closed, and whose report has no place', async () => {
    const folder = await appWith()
    const closed = openSync('/dev/full', 'w')
    try {
      const env = { ...process.env, TRACELANE_DOCTOR_FILE: join(folder, 'no/such/folder') }
      const args = [...DOCTOR, 'ending.cjs', 'exit']
      const { status, stdout } = spawnSync(process.execPath, args, { cwd: folder, env, stdio: ['ignore', 'pipe', closed] })
      expect(status).to.equal(7)
      expect(String(stdout)).to.contain('"msg":"begins"')
    } finally {
      closeSync(closed)
    }
  })

  it('is silent in processes that inherit it and do not use tracelane', async () => {
    const folder = await appWith()
    const env = { NODE_OPTIONS: DOCTOR.join(' '), TRACELANE_DOCTOR_FILE: reportOf(folder) }
    const { stderr, code } = await runNode(['--eval', '0'], { cwd: folder, env })
    expect({ stderr, code }).to.deep.equal({ stderr: '', code: 0 })
    expect(reportsIn(folder)).to.deep.equal([])
  })

  it('says that nothing was there to examine if it was put on such a program itself', async () => {
    const { diagnoses } = await examine(await appWith(), ['--eval', '0'])
    expect(diagnoses.map(codesOf)).to.deep.equal([['NOT_USED']])
  })

  it('speaks of worker threads that log, and is silent in others', async () => {
    const { diagnoses } = await examine(await appWith(), ['thread.cjs'])
    expect(diagnoses.map(({ threadId }) => threadId).sort()).to.deep.equal([0, 1])
    const thread = diagnoses.find(({ threadId }) => threadId === 1)
    expect(thread?.logCalls?.total).to.equal(1)
  })

  it('speaks while the program runs, at the signal that the environment names', async () => {
    const folder = await appWith()
    const env = { TRACELANE_DOCTOR_FILE: reportOf(folder), TRACELANE_DOCTOR_SIGNAL: 'SIGUSR2' }
    writeFileSync(join(folder, 'runs.cjs'), "require('tracelane').getLogger('a').info('runs')\nsetInterval(() => {}, 1000)\n")
    const program = startNode([...DOCTOR, 'runs.cjs'], { cwd: folder, env })
    await program.waitForOutput(/runs/)
    program.child.kill('SIGUSR2')
    await until('a report', () => reportsIn(folder).length === 1)
    const { signal } = await program.stop('SIGTERM')
    expect(signal).to.equal('SIGTERM')
    expect(reportsIn(folder)).to.have.length(2)
  })

  it('finds nothing in the shop', async () => {
    const folder = tempFolder()
    const env = { NODE_OPTIONS: DOCTOR.join(' '), TRACELANE_DOCTOR_FILE: reportOf(folder) }
    const shop = startShop(await threeFreePorts(), folder, ['--once', '--json'], {
      ...env,
      TRACEPARENT: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
    })
    expect((await shop.ended).code).to.equal(0)
    const diagnoses = reportsIn(folder)
    expect(diagnoses.map(codesOf), shop.stderr).to.deep.equal(SERVICES.map(() => []))
    expect(diagnoses.every(({ logCalls }) => logCalls !== undefined && logCalls.total > 0 && logCalls.untraced === 0)).to.equal(
      true,
    )
  })

  for (const [name, app] of Object.entries(apps).filter(([name]) => heavy || EXAMINED.has(name))) {
    it(`finds nothing in an application into which tracelane was dropped (${name})`, async () => {
      const { folder, main } = await adopt(name, app)
      const env = { PORT: '0', TRACELANE_DOCTOR_FILE: reportOf(folder) }
      const program = startNode([...DOCTOR, main], { cwd: folder, env })
      const [, port] = await program.waitForOutput(/listening on (\d+)/)
      await Promise.all(users(app, 20).map((user) => ask(Number(port), app, user)))
      const { stderr } = await program.stop()
      const diagnoses = reportsIn(folder)
      expect(diagnoses.map(codesOf), stderr).to.deep.equal([[]])
      expect(diagnoses[0]?.requests?.total).to.be.at.least(20)
      expect(diagnoses[0]?.requests?.traced).to.equal(diagnoses[0]?.requests?.total)
      expect(diagnoses[0]?.logCalls?.total).to.be.at.least(20 * (app.linesOfFailure ?? app.lines))
    })
  }
})

describe('tracelane/diagnose', function () {
  this.timeout(60_000)

  it('does nothing by itself, counts between watch() and its end, and leaves nothing behind', async () => {
    const folder = await appWith()
    const { stdout, stderr } = await runNode(['by-call.cjs'], { cwd: folder })
    const said = JSON.parse(stdout.split('\n').find((line) => line.includes('"diagnosis"')) ?? '')
    expect(stderr).to.equal('')
    expect(said).to.deep.include({ before: [], none: null, after: [] })
    expect(said.diagnosis.logCalls).to.include({ total: 1, untraced: 1 })
    expect(said.diagnosis.logCalls.sites[0].where).to.equal('by-call.cjs:11')
    expect(said.text).to.contain('1 of 1 without one at by-call.cjs:11')
  })

  it('is where the doctor that was switched on tells what it has seen', async () => {
    const folder = await appWith()
    const code =
      "require('tracelane').getLogger('a').info('b'); console.error(require('tracelane/diagnose').diagnose().logCalls.total)"
    const { stderr } = await runNode([...DOCTOR, '--eval', code], { cwd: folder })
    expect(stderr).to.match(/^1\ntracelane doctor: nothing found/)
  })

  it('is not needed: without it nothing looks', async () => {
    const folder = await appWith()
    const code = "require('tracelane'); console.log(JSON.stringify(require('./probe.cjs').probe()))"
    const { stdout } = await runNode(['--eval', code], { cwd: folder })
    expect(stdout).to.equal('[]\n')
  })
})
