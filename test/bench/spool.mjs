// What does it cost to append a batch of lines to a spool, beside a plain file that is appended to?
//
// In each round every row once, in random order, each into an empty folder; the ratios are those of one round. `--write` puts the table into
// docs/reference/benchmarks.md. ROUNDS, RECORDS (of 64 KiB, in a round) and FOLDER change what is run.
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { machine, median, publish, shuffled, table, withInterval } from './support/measure.mjs'
import { cpuMicros } from './support/runs.mjs'

const require = createRequire(import.meta.url)
const { crc32c, openSpoolReader, openSpoolWriter, SpoolLedger } = require('../../dist/lib/spool/index.js')

const ROUNDS = Number(process.env.ROUNDS ?? 30)
const RECORDS = Number(process.env.RECORDS ?? 512)
const BYTES = 64 * 1024
const SYNC_EVERY = 128
const folder = mkdtempSync(join(process.env.FOLDER ?? tmpdir(), 'tracelane-bench-spool-'))

const line = `{"time":"2026-11-28T00:00:00.000Z","level":"info","logger":"orders","msg":"order read","traceId":"4bf92f3577b34da6a3ce929d0e0e4736"}\n`
const batch = Buffer.from(line.repeat(Math.ceil(BYTES / line.length))).subarray(0, BYTES)

function appendPlain(place, sync) {
  const file = openSync(join(place, 'plain.log'), 'a')
  for (let i = 1; i <= RECORDS; i++) {
    writeSync(file, batch)
    if (sync && i % SYNC_EVERY === 0) fdatasyncSync(file)
  }
  closeSync(file)
}

function appendSpool(place, sync, read) {
  const ledger = new SpoolLedger()
  const writer = openSpoolWriter({ directory: place, ledger: ledger.buffer, maxBytes: 2 ** 32 })
  const reader = read ? openSpoolReader({ directory: place, ledger: ledger.buffer }) : undefined
  for (let i = 1; i <= RECORDS; i++) {
    const { outcome } = writer.append(batch, { events: 400, firstSeq: i, lastSeq: i, sync: sync && i % SYNC_EVERY === 0 })
    if (outcome !== 'spooled') throw new Error(outcome)
    if (reader !== undefined) reader.commit(reader.next().next)
  }
  writer.close()
  reader?.close()
}

const rows = {
  plain: ['plain file', (place) => appendPlain(place, false)],
  spool: ['spool', (place) => appendSpool(place, false, false), 'plain'],
  read: ['spool, and each record read and committed', (place) => appendSpool(place, false, true), 'plain'],
  plainSync: [`plain file, fdatasync after ${SYNC_EVERY}`, (place) => appendPlain(place, true)],
  spoolSync: [`spool, sync after ${SYNC_EVERY}`, (place) => appendSpool(place, true, false), 'plainSync'],
  checksum: [
    'the checksums alone',
    () => {
      for (let i = 0; i < RECORDS; i++) crc32c(batch)
    },
    'plain',
  ],
}

function measure(name, round) {
  const place = mkdtempSync(join(folder, `${name}-${round}-`))
  const [begin, cpu] = [performance.now(), cpuMicros()]
  rows[name][1](place)
  const result = { wall: ((performance.now() - begin) * 1000) / RECORDS, cpu: (cpuMicros() - cpu) / RECORDS }
  rmSync(place, { recursive: true })
  return result
}

const names = Object.keys(rows)
const results = Object.fromEntries(names.map((name) => [name, []]))
try {
  for (const name of names) measure(name, 'warm-up')
  for (let round = 0; round < ROUNDS; round++) for (const name of shuffled(names)) results[name].push(measure(name, round))
} finally {
  rmSync(folder, { recursive: true, force: true })
}

const of = (name, key) => results[name].map((result) => result[key])
const ratios = (name, peer, key) => results[name].map((result, round) => result[key] / results[peer][round][key])
const text = [
  table(
    ['64 KiB appended to a', 'µs', 'CPU, µs', 'time beside the plain file', 'CPU beside it'],
    names.map((name) => {
      const [title, , peer] = rows[name]
      const beside = (key) => (peer === undefined ? '' : withInterval(ratios(name, peer, key), 2))
      return [title, median(of(name, 'wall')).toFixed(1), median(of(name, 'cpu')).toFixed(1), beside('wall'), beside('cpu')]
    }),
  ),
  '',
  `${ROUNDS} rounds of ${RECORDS} records; medians, with the interval that holds them at 95 % confidence. ${machine()}`,
].join('\n')
publish('bench:spool', text)
