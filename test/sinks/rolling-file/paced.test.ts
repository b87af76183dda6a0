import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { close, configure, flush, getLogger, ledger, rollingFileSink } from 'tracelane'
import { heavy, tempFolder, until } from '../../support'
import { filesIn } from './lines-oracle'
import { awaitThreads } from './threads'

const LINES = heavy ? 10_000_000 : 30_000
const MAX_FILE_BYTES = heavy ? 2 ** 22 : 2 ** 16
const LINES_A_TURN = 500
const TURNS_A_FLUSH = 4
/* Over how many seconds the lines go at least, so that files are finished by the clock as well as by their size. */
const SECONDS = 3

/* As text in the order in which files were begun: second, then index; the one that is being written comes last. */
function placeOf(name: string): string {
  const [, second, index] = /^app-(\d+)\.(\d+)\.log\.gz$/.exec(name) ?? []
  return second === undefined ? '~' : `${second}.${index?.padStart(6, '0')}`
}

interface Read {
  readonly wrong: readonly string[]
  readonly lines: number
  readonly longest: number
  readonly sizes: readonly (readonly [name: string, bytes: number])[]
}

/* All lines must be there in the order of the calls, which says at once that none is lost, torn or doubled. */
function readInOrder(folder: string): Read {
  const wrong: string[] = []
  const sizes: [string, number][] = []
  let lines = 0
  let longest = 0
  for (const name of filesIn(folder).toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))) {
    const raw = readFileSync(join(folder, name))
    const bytes = name.endsWith('.gz') ? gunzipSync(raw) : raw
    sizes.push([name, bytes.length])
    const own = bytes.toString('latin1').split('\n')
    if (own.pop() !== '') wrong.push(`${name} ends in the middle of a line`)
    for (const line of own) {
      const n = Number(/^\{.*"n":(\d+)\}$/.exec(line)?.[1])
      if (n !== lines && wrong.length < 10) wrong.push(`${name}: line ${n} where line ${lines} should be`)
      lines++
      longest = Math.max(longest, line.length + 1)
    }
  }
  return { wrong, lines, longest, sizes }
}

async function logPaced(): Promise<void> {
  const log = getLogger('paced')
  let waited = 0
  for (let n = 0, turn = 1; n < LINES; turn++) {
    for (const end = Math.min(n + LINES_A_TURN, LINES); n < end; n++) log.info('a line of a producer that waits', { n })
    if (turn % TURNS_A_FLUSH === 0) await flush()
    else await new Promise(setImmediate)
    if (waited < SECONDS - 1 && n > ((waited + 1) * LINES) / SECONDS) {
      const second = Math.floor(Date.now() / 1000)
      await until('a second has passed', () => Math.floor(Date.now() / 1000) > second)
      waited++
    }
  }
}

describe('rollingFileSink() for a program that waits between its lines', function () {
  this.timeout(1_800_000)
  awaitThreads()

  it(`has each of ${LINES.toLocaleString('en')} lines once, in files that are full or whose second is over`, async () => {
    const folder = tempFolder()
    const path = join(folder, 'app.log')
    const filePattern = join(folder, 'app-%d{yyyyMMddHHmmss}.%i.log.gz')
    void configure({ sinks: [rollingFileSink({ path, filePattern, maxFileBytes: MAX_FILE_BYTES })] })
    await logPaced()
    await flush({ deadlineMs: 600_000 })
    const [counts] = ledger()[0]?.sinks ?? []
    const done = (): boolean => filesIn(folder).every((name) => name === 'app.log' || name.endsWith('.log.gz'))
    await until('all is compressed', done, 600_000)
    await close()
    expect(counts?.delivered).to.equal(LINES)
    const { wrong, lines, longest, sizes } = readInOrder(folder)
    expect(wrong).to.deep.equal([])
    expect(lines).to.equal(LINES)
    expect(sizes.filter(([, bytes]) => bytes > MAX_FILE_BYTES)).to.deep.equal([])
    const second = (name: string | undefined): string => name?.slice(0, 'app-yyyyMMddHHmmss'.length) ?? ''
    const full = sizes.filter(([name], i) => second(sizes[i + 1]?.[0]) === second(name))
    expect(full.filter(([, bytes]) => bytes <= MAX_FILE_BYTES - longest)).to.deep.equal([])
    const seconds = new Set(sizes.map(([name]) => second(name))).size - 1
    expect(sizes.length).to.be.above(heavy ? 300 : 30)
    expect(full.length, 'finished by their size').to.be.above(0)
    expect(seconds, 'finished by the clock').to.be.at.least(SECONDS - 1)
    if (heavy) console.log(`      ${sizes.length} files, ${full.length} of them full, in ${seconds} seconds of lines`)
  })
})
