import { expect } from 'chai'
import { heavy, projectFile, requires, tempFolder } from '../support'
import { WRITE_LINES } from '../support/loss-audit'
import { ENDINGS, type Ending, type LossResult, type LossRun, lossRun, type NotRun } from '../support/loss-run'

const COUNT = heavy ? 20_000 : 2_000
const BLOCK_MS = heavy ? 2_000 : 300
const KILLS = heavy ? 200 : 3
const AT_ONCE = 4

const logger = projectFile('test/fixtures/loss/ours.cjs')
const OF_FILES: ReadonlySet<Ending> = new Set(['disk full, then freed', 'file removed', 'directory read-only, then writable'])
const BROKEN: ReadonlySet<Ending> = new Set(['disk full, then freed', 'directory read-only, then writable'])
const OF_WORKERS: ReadonlySet<Ending> = new Set(['worker terminated', 'worker out of memory'])

const STATUS: Partial<Record<Ending, { code: number | null; signal: NodeJS.Signals | null }>> = {
  throw: { code: 1, signal: null },
  'unhandled rejection': { code: 1, signal: null },
  SIGTERM: { code: null, signal: 'SIGTERM' },
  SIGINT: { code: null, signal: 'SIGINT' },
  SIGHUP: { code: null, signal: 'SIGHUP' },
  'SIGKILL at once': { code: null, signal: 'SIGKILL' },
  'SIGKILL +50 ms': { code: null, signal: 'SIGKILL' },
}

/* Signals differ in their number only: in `npm test` one column has all of them. */
const OTHER_SIGNALS: ReadonlySet<Ending> = new Set(['SIGINT', 'SIGHUP'])

const COLUMNS = [
  { destination: 'file', durability: 'none' },
  { destination: 'file', durability: 'os' },
  { destination: 'console', durability: 'none' },
  { destination: 'http', durability: 'none' },
] as const

type Column = (typeof COLUMNS)[number]

function endingsOf({ destination, durability }: Column): readonly Ending[] {
  if (destination === 'file') return ENDINGS.filter((ending) => heavy || durability === 'none' || !OTHER_SIGNALS.has(ending))
  return ENDINGS.filter((ending) => !OF_FILES.has(ending) && (heavy || !OTHER_SIGNALS.has(ending)))
}

/* How long anybody waits at most is another question, and a busy machine must not ask it here. */
const PATIENT = { maxFlushTimeMs: 20_000, appendTimeoutMs: 20_000 }

function runOf(column: Column, ending: Ending): LossRun {
  const waiting = column.durability === 'os' && (BROKEN.has(ending) || OF_WORKERS.has(ending))
  // Each call waits in vain, as long as it may, for a disk that is full, or a thread that is dead: a few of them are enough.
  const few = waiting ? { count: 500, options: { ...PATIENT, appendTimeoutMs: 1 } } : { count: COUNT, options: PATIENT }
  return { logger, ending, ...column, ...few, blockMs: BLOCK_MS }
}

/* What a result must be, whatever the ending: no line is torn, none comes twice, but for one write of a worker that died. */
function expectWhole(result: LossResult, ending: Ending, what: string): void {
  expect(result.torn, `torn, ${what}`).to.equal(0)
  expect(result.doubled, `doubled, ${what}`).to.be.at.most(OF_WORKERS.has(ending) ? WRITE_LINES : 0)
  expect(result.outOfOrder, `out of order, ${what}`).to.equal(0)
  expect({ code: result.code, signal: result.signal }, what).to.deep.equal(STATUS[ending] ?? { code: 0, signal: null })
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN
}

describe(`of ${COUNT} lines`, () => {
  const results = new Map<string, LossResult | NotRun>()

  before(async function () {
    this.timeout(heavy ? 600_000 : 180_000)
    const folder = tempFolder()
    const left = COLUMNS.flatMap((column) =>
      ENDINGS.map((ending) => ({ key: keyOf(column, ending), run: runOf(column, ending) })),
    )
    const runnable = left.filter(({ run }) => run.destination === 'file' || !OF_FILES.has(run.ending))
    const lane = async (): Promise<void> => {
      for (let next = runnable.shift(); next !== undefined; next = runnable.shift()) {
        results.set(next.key, await lossRun(next.run, folder))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
  })

  for (const column of COLUMNS) {
    for (const ending of endingsOf(column)) {
      const killed = ending.startsWith('SIGKILL')
      const promise = killed && column.durability === 'none' ? 'keeps whole lines from the first one on' : 'keeps every one'
      it(`${column.destination}, durability ${column.durability}, ${ending}: ${promise}`, function () {
        const result = results.get(keyOf(column, ending)) as LossResult | NotRun
        if ('missing' in result) return requires(this, result.missing.replaceAll(',', ''), false)
        const said = JSON.stringify(result, undefined, 1)
        if (killed) return expectPrefix(result, column.durability === 'os' ? runOf(column, ending).count : 0, said)
        expectWhole(result, ending, said)
        expect(result.kept, said).to.equal(runOf(column, ending).count)
      })
    }
  }
})

/* A process that is killed leaves a beginning: at least `floor` lines, none missing among them, and at most the last one torn. */
function expectPrefix(result: LossResult, floor: number, said: string): void {
  expect(result.torn, `torn, ${said}`).to.be.at.most(1)
  expect(result.doubled, `doubled, ${said}`).to.equal(0)
  expect(result.firstMissing, `a gap, ${said}`).to.equal(result.kept)
  expect(result.kept, said).to.be.at.least(floor)
  expect(result.signal).to.equal('SIGKILL')
}

describe(`kill -9 when the last of ${COUNT} calls has returned, ${KILLS} times`, function () {
  this.timeout(KILLS * 10_000)
  for (const durability of ['none', 'os'] as const) {
    it(`leaves the file ${durability === 'os' ? 'with every line' : 'without a gap'}, durability ${durability}`, async function () {
      const folder = tempFolder()
      const kept: number[] = []
      for (let i = 0; i < KILLS; i++) {
        const result = await lossRun(runOf({ destination: 'file', durability }, 'SIGKILL at once'), folder)
        if ('missing' in result) return requires(this, result.missing.replaceAll(',', ''), false)
        expectPrefix(result, durability === 'os' ? COUNT : 0, JSON.stringify(result))
        kept.push(result.kept)
      }
      kept.sort((a, b) => a - b)
      const share = (at: number): string => `${((quantile(kept, at) / COUNT) * 100).toFixed(2)} %`
      console.log(`      kept: minimum ${share(0)}, p5 ${share(0.05)}, median ${share(0.5)}`)
    })
  }
})

function keyOf({ destination, durability }: Column, ending: Ending): string {
  return [destination, durability, ending].join(' ')
}
