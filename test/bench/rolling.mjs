// What rolling costs the thread that writes, beside the plain file sink: batches of 64 KiB, the same lines, in turns, in one process.
//
//   npm run bench:rolling
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const require = createRequire(import.meta.url)
const { fileSink, rollingFileSink } = require('../../dist/index.js')
const { openFileSink } = require('../../dist/lib/sinks/file')
const { openRollingFileSink } = require('../../dist/lib/sinks/rolling-file')

const MEGABYTE = 2 ** 20
const ROUNDS = 15
const BATCHES = 512
const line = `${JSON.stringify({ time: '2026-03-01T10:00:00.000Z', level: 'info', logger: 'orders', msg: 'order placed', pad: 'x'.repeat(90) })}\n`
const batch = Buffer.from(line.repeat(Math.floor((64 * 1024) / line.length)))
const folder = mkdtempSync(join(tmpdir(), 'tracelane-bench-'))
const never = () => false

const rolling = (name, maxFileBytes, ending = '') => {
  const at = join(folder, name)
  const filePattern = join(at, `app-%d.%i.log${ending}`)
  return openRollingFileSink(
    rollingFileSink({ path: join(at, 'app.log'), filePattern, maxFileBytes, totalSizeCapBytes: 64 * MEGABYTE }).options,
  )
}

const sinks = {
  fileSink: () => openFileSink(fileSink({ path: join(folder, 'plain', 'app.log') }).options),
  'rolling, never full': () => rolling('never', undefined),
  'rolling, each 10 MB': () => rolling('ten', 10 * MEGABYTE),
  'rolling, each 1 MB': () => rolling('one', MEGABYTE),
  'rolling, each 10 MB, compressed': () => rolling('gz', 10 * MEGABYTE, '.gz'),
}

/* Before Node 23.9 there is no figure for one thread alone: the compression counts too. */
const usage = (process.threadCpuUsage ?? process.cpuUsage).bind(process)

/* Milliseconds of processor time for a round of batches. */
function round(open) {
  const sink = open()
  sink.write(batch, never)
  const start = usage()
  for (let i = 0; i < BATCHES; i++) sink.write(batch, never)
  const { user, system } = usage(start)
  sink.close()
  rmSync(folder, { recursive: true, force: true })
  return (user + system) / 1000
}

const times = Object.fromEntries(Object.keys(sinks).map((name) => [name, []]))
for (let i = 0; i < ROUNDS; i++) for (const [name, open] of Object.entries(sinks)) times[name].push(round(open))
const low = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 4)]
const plain = low(times['fileSink'])
for (const [name, list] of Object.entries(times)) {
  const rate = (BATCHES * batch.length) / MEGABYTE / (low(list) / 1000)
  console.log(`${name.padEnd(34)} ${(low(list) / plain).toFixed(2)} x   ${rate.toFixed(0)} MB/s of processor time`)
}
rmSync(folder, { recursive: true, force: true })
