import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Outcome, projectFile, runNode, tempFolder } from '.'

interface Report {
  readonly tests: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message: string } }[]
}

/* Runs mocha with our root hooks. */
async function mocha(args: readonly string[]): Promise<{ readonly report: Report; readonly outcome: Outcome }> {
  const hooks = projectFile('dist/test/support/hooks.js')
  const flags = ['--no-config', '--exit', '--require', hooks, '--reporter', 'json']
  const outcome = await runNode([projectFile('node_modules/mocha/bin/mocha.js'), ...flags, ...args])
  return { report: JSON.parse(outcome.stdout.slice(outcome.stdout.indexOf('{\n'))) as Report, outcome }
}

describe('root hooks', () => {
  let report: Report

  before(async () => {
    report = (await mocha([projectFile('test/fixtures/leaks/leaks.cjs')])).report
  })

  function errorOf(title: string): string {
    if (!report.tests.some(({ fullTitle }) => fullTitle === title)) throw new Error(`'${title}' did not run`)
    return report.failures.find(({ fullTitle }) => fullTitle.startsWith(title))?.err.message ?? ''
  }

  function hookError(suite: string): string {
    return report.failures.find(({ fullTitle }) => fullTitle.startsWith(`${suite} "after all" hook`))?.err.message ?? ''
  }

  const leaks = {
    'a timer': /1 active Timeout/,
    'a server': /1 active TCPServerWrap/,
    'a worker thread': /worker thread \d/,
    'a worker thread that does not hold the process': /worker thread \d/,
    'a child process': /1 active ProcessWrap/,
    'a temp file': /temp file left\.txt/,
    'an unhandled rejection': /nobody looks/,
    'a listener on process': /1 listener on process 'SIGUSR2'/,
  }
  for (const [what, message] of Object.entries(leaks)) {
    it(`fail a test that leaks ${what}`, () => {
      expect(errorOf(`leaks ${what}`)).to.match(message)
    })
  }

  it('fail a suite that leaves something open when it ends', () => {
    expect(hookError('a suite that leaks')).to.match(/the suite 'a suite that leaks' leaks 1 active Timeout/)
  })

  for (const what of [
    'a connection to the server of its suite',
    'a worker thread',
    'a temp folder',
    'a rejection that is handled later',
  ]) {
    it(`pass a test that cleans up ${what}`, () => {
      expect(errorOf(`cleans up ${what}`)).to.equal('')
    })
  }
})

describe('root hooks in a pool of two processes', () => {
  const FILES = 5
  let run: { readonly report: Report; readonly outcome: Outcome }

  // More files than processes, so that one process runs several: mocha takes the listeners off the process after each
  before(async () => {
    const folder = tempFolder()
    const support = JSON.stringify(projectFile('dist/test/support'))
    const files = Array.from({ length: FILES }, (_, i) => {
      const file = join(folder, `${i}.cjs`)
      const tests = [
        `it('rejects', () => { Promise.reject(new Error('nobody looks')) })`,
        `it('starts a thread', async () => {
          globalThis.left = new (require('node:worker_threads').Worker)('setInterval(() => {}, 1000)', { eval: true })
          await require('node:events').once(left, 'online')
        })`,
        `it('leaves a file', () => require('node:fs').writeFileSync(require('node:os').tmpdir() + '/left-${i}', ''))`,
        `it('is skipped', function () { require(${support}).requires(this, 'a thing', false) })`,
      ]
      writeFileSync(file, `describe('file ${i}', () => { ${tests.join('\n')}; after(() => left.terminate()) })`)
      return file
    })
    run = await mocha(['--parallel', '--jobs', '2', ...files])
  })

  it('find the leaks of each file', () => {
    for (let i = 0; i < FILES; i++) {
      const messageOf = (title: string) =>
        run.report.failures.find(({ fullTitle }) => fullTitle.startsWith(`file ${i} ${title}`))?.err.message ?? ''
      expect(messageOf('rejects')).to.match(/nobody looks/)
      expect(messageOf('starts a thread')).to.match(/leaks worker thread \d/)
      expect(messageOf('leaves a file')).to.match(new RegExp(`leaks temp file left-${i}$`))
    }
  })

  it('say what was skipped', () => {
    const counts = [...run.outcome.stderr.matchAll(/^skipped (\d): a thing is not available here/gm)].map(([, count]) =>
      Number(count),
    )
    expect(counts.reduce((sum, count) => sum + count, 0)).to.equal(FILES)
    expect(counts).to.have.length.of.at.most(2)
  })
})

describe('tempFolder()', () => {
  let previous: string

  it('gives an existing folder', () => {
    previous = tempFolder()
    expect(existsSync(previous)).to.equal(true)
  })

  it('is removed after the test', () => {
    expect(existsSync(previous)).to.equal(false)
  })
})
