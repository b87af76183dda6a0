import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { installPacked, projectFile, runNode, tempFolder } from '../support'

interface Runner {
  readonly args: readonly string[]
  /** What it says of two tests that pass. */
  readonly passed: RegExp
  readonly packages?: readonly string[]
}

const bin = (path: string): string => projectFile(`node_modules/${path}`)

const RUNNERS: Readonly<Record<string, Runner>> = {
  mocha: { args: [bin('mocha/bin/mocha.js'), '--no-config', 'mocha.test.cjs'], passed: /2 passing/ },
  'node:test': { args: ['--test', '--test-reporter=tap', 'node.test.cjs'], passed: /# pass 2/ },
  Jest: {
    args: [bin('jest/bin/jest.js'), '--config', 'jest.config.json', '--no-cache', '--watchman=false', '--runInBand', '--ci'],
    passed: /2 passed/,
  },
  vitest: { args: [bin('vitest/vitest.mjs'), 'run', '--no-color'], passed: /Tests +2 passed/, packages: ['vitest'] },
}

describe('tracelane/testing in', function () {
  this.timeout(60_000)

  for (const [name, { args, passed, packages }] of Object.entries(RUNNERS)) {
    describe(name, () => {
      let folder: string
      before(async () => {
        folder = tempFolder()
        cpSync(projectFile('test/fixtures/testing'), folder, { recursive: true })
        writeFileSync(join(folder, 'jest.config.json'), '{ "testMatch": ["**/jest.test.cjs"] }')
        writeFileSync(join(folder, 'vitest.config.mjs'), "export default { test: { include: ['vitest.test.mjs'] } }\n")
        await installPacked(folder, packages)
      })

      // TMPDIR, because the runners leave caches there; NODE_TEST_CONTEXT would make node:test report to a parent that is not there
      const env = (): Record<string, string | undefined> => ({ TMPDIR: folder, NODE_TEST_CONTEXT: undefined, NO_COLOR: '1' })

      it('passes for a stack that keeps the trace', async () => {
        const { code, stdout, stderr } = await runNode(args, { cwd: folder, env: env() })
        expect(code, stdout + stderr).to.equal(0)
        expect(stdout + stderr).to.match(passed)
      })

      it('fails for one that does not, with the sentence that names the place', async () => {
        const { code, stdout, stderr } = await runNode(args, { cwd: folder, env: { ...env(), BROKEN: '1' } })
        expect(code).to.not.equal(0)
        expect(stdout + stderr).to.include('at in the queue there was another trace in 4 of 5 runs')
      })
    })
  }
})
