import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { expect } from 'chai'
import { build } from 'esbuild'
import { installPacked, jsonLinesOf, onlyWhenAsked, projectFile, runNode, tempFolder } from '../support'
import { serve } from '../support/http-server'

const FIXTURES = projectFile('test/fixtures/loaders')
/* npm puts it here when it is asked for: it is no package of the repository. */
const WEBPACK = projectFile('.cache/webpack')

interface Stats {
  hasErrors(): boolean
  toString(): string
}

type Webpack = (config: object, done: (error: Error | null, stats?: Stats) => void) => void

/* A folder of its own, where no node_modules is, under a name that has to be quoted somewhere. */
function emptyFolder(): string {
  const folder = join(tempFolder(), 'mes données – 日本 %41')
  mkdirSync(folder)
  return folder
}

async function source(): Promise<string> {
  const folder = tempFolder()
  cpSync(FIXTURES, folder, { recursive: true })
  await installPacked(folder)
  return folder
}

/* The program logs one line in a trace; the flush thread, which is in the bundle too, must have written it. */
async function expectLogs(folder: string, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await runNode(args, { cwd: folder })
  expect(code, stdout + stderr).to.equal(0)
  expect(stderr).to.equal('')
  const { traceId, ...rest } = JSON.parse(stdout) as { traceId: string; delivered: number; thread: boolean }
  expect(rest).to.deep.equal({ delivered: 1, thread: true })
  expect(jsonLinesOf(join(folder, 'app.log')).map((line) => line['traceId'])).to.deep.equal([traceId])
}

describe('in a bundle, in a folder of another alphabet, without node_modules', function () {
  this.timeout(120_000)

  describe('of esbuild', () => {
    for (const format of ['cjs', 'esm'] as const) {
      it(`writes through a flush thread (${format}, minified)`, async () => {
        const folder = emptyFolder()
        const outfile = join(folder, format === 'cjs' ? 'app.cjs' : 'app.mjs')
        const common = { bundle: true, minify: true, platform: 'node', target: 'node20', logLevel: 'silent' } as const
        await build({ ...common, absWorkingDir: await source(), entryPoints: ['served-now.mjs'], outfile, format })
        await expectLogs(folder, outfile)
      })
    }

    it('sends from the thread that logs, by the file that is loaded only then', async () => {
      const outfile = join(emptyFolder(), 'app.mjs')
      const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'silent', format: 'esm' } as const
      await build({ ...common, absWorkingDir: await source(), entryPoints: ['sent-now.mjs'], outfile })
      const server = await serve((req, res) => void req.resume().on('end', () => res.end()))
      const { stdout, stderr } = await runNode([outfile, server.origin])
      await server.close()
      expect({ stdout, stderr }).to.deep.equal({ stdout: '{"delivered":1}\n', stderr: '' })
    })
  })

  describe('of webpack', () => {
    let webpack: Webpack

    before(function () {
      // Also where it has been fetched: its builds take half a minute.
      onlyWhenAsked(this, 'webpack')
      if (!existsSync(join(WEBPACK, 'node_modules/webpack'))) {
        mkdirSync(WEBPACK, { recursive: true })
        const flags = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefix', WEBPACK]
        spawnSync('npm', ['install', ...flags, 'webpack@5'], { cwd: WEBPACK, stdio: ['ignore', 'ignore', 'inherit'] })
      }
      webpack = createRequire(join(WEBPACK, 'package.json'))('webpack') as Webpack
    })

    async function pack(config: object): Promise<void> {
      const common = { target: 'node20', context: await source(), mode: 'production', devtool: false }
      await new Promise<void>((resolve, reject) => {
        webpack({ ...common, ...config }, (error, stats) => {
          if (error === null && stats?.hasErrors() === false) resolve()
          else reject(error ?? new Error(stats?.toString()))
        })
      })
    }

    it('writes through a flush thread (CommonJS)', async () => {
      const folder = emptyFolder()
      await pack({ entry: './served-now.mjs', output: { path: folder, filename: 'app.cjs' } })
      await expectLogs(folder, 'app.cjs')
    })

    it('writes through a flush thread (ES modules)', async () => {
      const folder = emptyFolder()
      const output = { path: folder, filename: 'app.mjs', module: true, chunkFormat: 'module', library: { type: 'module' } }
      await pack({ entry: './served-now.mjs', experiments: { outputModule: true }, output })
      await expectLogs(folder, 'app.mjs')
    })

    it('writes through a flush thread (a server of pages and chunks, as Next.js builds it, with a hooked require)', async () => {
      const folder = emptyFolder()
      const server = join(folder, '.next/server')
      await pack({
        entry: { 'app/page': './served.mjs', 'app/other': './served.mjs' },
        output: { path: server, filename: '[name].js', chunkFilename: 'chunks/[id].js', library: { type: 'commonjs2' } },
        optimization: { runtimeChunk: { name: 'webpack-runtime' }, splitChunks: { chunks: 'all', minSize: 0 } },
      })
      cpSync(join(FIXTURES, 'require-hook.cjs'), join(folder, 'require-hook.cjs'))
      writeFileSync(
        join(folder, '.next/start.js'),
        `(async () => {
          const { handle } = await require('./server/app/page.js')
          console.log(JSON.stringify(await handle()))
        })()`,
      )
      await expectLogs(folder, '-r', './require-hook.cjs', '.next/start.js')
      expect(existsSync(join(server, 'webpack-runtime.js'))).to.equal(true)
    })
  })
})
