import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { openSpoolReader, SpoolLedger, type SpoolRecord } from '../../lib/spool'
import { eventOf, heavy, projectFile, tempFolder } from '../support'

const COUNT = heavy ? 200_000 : 5_000
const MAX_BYTES = 256 * 1024

interface Run {
  readonly ids: readonly number[]
  readonly ledger: SpoolLedger
}

/* A thread appends; this one reads and commits, now and then not for a while. */
async function runTwoThreads(whenFull: 'refuse' | 'drop-oldest'): Promise<Run> {
  const directory = join(tempFolder(), 'spool')
  const ledger = new SpoolLedger()
  const reader = openSpoolReader({ directory, ledger: ledger.buffer })
  const workerData = {
    room: projectFile('dist/lib/spool'),
    directory,
    ledger: ledger.buffer,
    whenFull,
    count: COUNT,
    maxBytes: MAX_BYTES,
  }
  const worker = new Worker(projectFile('test/fixtures/spool/writer-thread.cjs'), { workerData })
  let done = false
  const ended = eventOf(worker, 'exit', 500_000).then(() => {
    done = true
  })
  const ids: number[] = []
  for (;;) {
    const wasDone = done
    let last: SpoolRecord | undefined
    let ended = false
    // Batches of differing length, so that the writer drops before, within and behind what is read.
    for (let i = 0; i < 1 + ((ids.length * 31) % 200); i++) {
      const found = reader.next()
      if (found.kind === 'failed') throw new Error(found.reason)
      ended = found.kind === 'end'
      if (found.kind !== 'record') break
      last = found
      ids.push(Number.parseInt(found.payload.toString('latin1', 0, 20), 10))
    }
    if (last !== undefined) reader.commit(last.next)
    if (ended && wasDone) break
    await new Promise(setImmediate)
  }
  await ended
  reader.close()
  return { ids, ledger }
}

describe('writer and reader of a spool in two threads', function () {
  this.timeout(600_000)

  it('hand over every record once, in order', async () => {
    const { ids, ledger } = await runTwoThreads('refuse')
    expect(ids).to.deep.equal(Array.from({ length: COUNT }, (_, i) => i + 1))
    const { spooled, committed, pending } = ledger.counts()
    expect([spooled.records, committed.records, pending.events]).to.deep.equal([COUNT, COUNT, 0])
  })

  it('balances what was spooled, committed and dropped to the last record, while segments are dropped', async () => {
    const { ids, ledger } = await runTwoThreads('drop-oldest')
    const { spooled, committed, dropped, late, pending, corrupt, torn } = ledger.counts()
    expect(ids).to.deep.equal([...new Set(ids)].sort((a, b) => a - b))
    expect(spooled.records).to.equal(COUNT)
    expect(pending).to.deep.equal({ records: 0, events: 0, bytes: 0 })
    expect(committed.records + dropped.records).to.equal(COUNT)
    expect(committed.records + late.records, 'what was read').to.equal(ids.length)
    // Whether the writer is ahead by so much that it drops is up to the scheduler, unless there is a lot to write.
    if (heavy) expect(dropped.records).to.be.above(0)
    expect([corrupt.records, torn.records]).to.deep.equal([0, 0])
  })
})
