import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { build } from 'esbuild'
import { installPacked, jsonLinesOf, type Outcome, projectFile, runNode, startNode, tempFolder } from '../support'

const TRACE_ID = /^[0-9a-f]{32}$/
const FIXTURES = projectFile('test/fixtures/loaders')

/* An application that has installed the tarball, with the fixtures as its sources. */
async function appWith(packages: readonly string[] = []): Promise<string> {
  const folder = join(tempFolder(), 'mes données – 日本')
  cpSync(FIXTURES, folder, { recursive: true })
  await installPacked(folder, packages)
  return folder
}

async function runIn(folder: string, ...args: string[]): Promise<Outcome> {
  const outcome = await runNode(args, { cwd: folder })
  if (outcome.code !== 0) throw new Error(`${args.join(' ')} ended with ${outcome.code}\n${outcome.stdout}${outcome.stderr}`)
  return outcome
}

function expectLines(folder: string, traceId: string, messages: number): void {
  expect(traceId).to.match(TRACE_ID)
  const lines = jsonLinesOf(join(folder, 'app.log'))
  expect(lines.map((line) => line['traceId'])).to.deep.equal(Array.from({ length: messages }, () => traceId))
}

/* A second copy, as an application gets it when a library asks for another version. */
async function appWithTwoCopies(): Promise<string> {
  const folder = await appWith()
  const library = join(folder, 'library')
  mkdirSync(library)
  await installPacked(library)
  writeFileSync(join(library, 'index.js'), "exports.lane = require('tracelane')\n")
  return folder
}

describe('one runtime per process', function () {
  this.timeout(60_000)

  it('logs the trace id when loaded by import', async () => {
    const folder = await appWith()
    const { stdout } = await runIn(folder, 'import.mjs')
    expectLines(folder, stdout.trim(), 1)
  })

  it('logs the trace id when loaded by require()', async () => {
    const folder = await appWith()
    const { stdout } = await runIn(folder, 'require.cjs')
    expectLines(folder, stdout.trim(), 1)
  })

  it('is shared by import and require() in one process', async () => {
    const folder = await appWith()
    const { stdout } = await runIn(folder, 'both.mjs')
    expectLines(folder, stdout.trim(), 1)
  })

  it('is shared by two copies in node_modules', async () => {
    const folder = await appWithTwoCopies()
    const { stdout } = await runIn(folder, 'two-copies.cjs')
    expectLines(folder, stdout.trim(), 3)
    expect(jsonLinesOf(join(folder, 'app.log'))[2]).to.include({ put: 'by the inner copy' })
  })

  it('drains once and ends by the signal when two copies guarded the exit in turn', async () => {
    const folder = await appWithTwoCopies()
    const program = startNode(['two-copies-signal.cjs'], { cwd: folder, deadlineMs: 20_000 })
    const [traceId] = await program.waitForOutput(/[0-9a-f]{32}/)
    const { signal } = await program.stop('SIGTERM')
    expect(signal).to.equal('SIGTERM')
    expectLines(folder, traceId, 1)
  })

  it('works in Jest, with modules that are reset', async () => {
    const folder = await appWith()
    const jest = projectFile('node_modules/jest/bin/jest.js')
    writeFileSync(join(folder, 'jest.config.json'), '{ "testMatch": ["**/jest.test.cjs"] }')
    const env = { PROBE_LOG: join(folder, 'app.log'), TMPDIR: folder }
    const args = [jest, '--config', 'jest.config.json', '--no-cache', '--watchman=false', '--runInBand', '--ci']
    const { code, stdout, stderr } = await runNode(args, { cwd: folder, env })
    expect(code, stdout + stderr).to.equal(0)
    expect(stderr).to.contain('3 passed')
    expectLines(folder, /probe ([0-9a-f]{32})/.exec(stderr)?.[1] ?? '', 1)
  })

  for (const pool of ['forks', 'threads']) {
    it(`works in vitest, in its ${pool}`, async () => {
      const folder = await appWith(['vitest'])
      const vitest = projectFile('node_modules/vitest/vitest.mjs')
      const env = { PROBE_LOG: join(folder, 'app.log') }
      const args = [vitest, 'run', `--pool=${pool}`, '--no-color']
      writeFileSync(join(folder, 'vitest.config.mjs'), "export default { test: { include: ['vitest.test.mjs'] } }\n")
      const { code, stdout, stderr } = await runNode(args, { cwd: folder, env })
      expect(code, stdout + stderr).to.equal(0)
      expect(stdout).to.match(/Tests +2 passed/)
      expectLines(folder, /probe ([0-9a-f]{32})/.exec(stderr + stdout)?.[1] ?? '', 1)
    })
  }

  for (const format of ['cjs', 'esm'] as const) {
    it(`works in an esbuild bundle (${format}), the flush thread too`, async () => {
      const source = await appWith()
      const folder = tempFolder()
      const file = format === 'cjs' ? 'app.cjs' : 'app.mjs'
      await bundle(source, 'bundle.mjs', join(folder, file), format)
      const { stdout } = await runIn(folder, file)
      expectLines(folder, stdout.trim(), 1)
    })
  }

  it('is shared by a bundle and a copy beside it that is not bundled', async () => {
    const folder = await appWith()
    await bundle(folder, 'bundle-beside.cjs', join(folder, 'app.cjs'), 'cjs')
    const { stdout } = await runIn(folder, 'app.cjs')
    expectLines(folder, stdout.trim(), 2)
  })
})

async function bundle(folder: string, entry: string, outfile: string, format: 'cjs' | 'esm'): Promise<void> {
  const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'silent' } as const
  await build({ ...common, absWorkingDir: folder, entryPoints: [entry], outfile, format })
}
