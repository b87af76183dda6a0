import { existsSync } from 'node:fs'
import { expect } from 'chai'
import { projectFile, runNode, tempFolder } from '.'

interface Report {
  readonly tests: readonly { readonly fullTitle: string }[]
  readonly failures: readonly { readonly fullTitle: string; readonly err: { readonly message: string } }[]
}

describe('root hooks', () => {
  let report: Report

  before(async () => {
    const fixture = projectFile('test/fixtures/leaks/leaks.cjs')
    const mocha = projectFile('node_modules/mocha/bin/mocha.js')
    const hooks = projectFile('dist/test/support/hooks.js')
    const { stdout } = await runNode([mocha, '--no-config', '--exit', '--require', hooks, '--reporter', 'json', fixture])
    report = JSON.parse(stdout.slice(stdout.indexOf('{\n'))) as Report
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
