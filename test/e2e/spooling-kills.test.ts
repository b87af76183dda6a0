import { appendFileSync, cpSync, readdirSync, statSync, truncateSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { openSpoolReader } from '../../lib/spool'
import { heavy, projectFile, startNode, tempFolder, until } from '../support'
import { FickleDestination, type KeptLine, linesOf } from '../support/fickle-destination'
import { SeededRandom } from '../support/random'

const KILLS = heavy ? 1000 : 4
const KILLS_A_SPOOL = heavy ? 5 : 4
const AT_ONCE = 3
const LINES = 4_000
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000))
const PROGRAM = projectFile('test/fixtures/spooled/killed.cjs')

/* One folder, of processes one after the other, and the destination that all of them send to. */
class Scene {
  readonly base = join(tempFolder(), 'spools')
  readonly destination: FickleDestination
  kept = 0
  torn = 0
  kills = 0
  readonly #random: SeededRandom
  #url = ''

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.destination = new FickleDestination(new SeededRandom(seed + 1))
  }

  /** Kills one process after the other, and has a last one deliver what is left. */
  async run(): Promise<void> {
    this.#url = await this.destination.listen()
    try {
      for (let life = 1; life <= KILLS_A_SPOOL; life++) {
        await this.#liveAndDie(life)
        expect(this.destination.missing(this.#keptNow()), `lost by process ${life}`).to.deep.equal([])
        // What the first leaves may be one record, and without it nothing would be owed.
        if (life > 1) this.#tear()
        this.destination.owed = this.#keptNow()
        this.kept += this.destination.owed.length
        this.kills++
      }
      await this.#liveOn(KILLS_A_SPOOL + 1)
    } finally {
      this.destination.close()
    }
  }

  async #liveAndDie(life: number): Promise<void> {
    const { destination } = this
    destination.turn(life > 1 && this.#random.oneIn(2) ? 'up' : 'down')
    if (life > 1) destination.turnByItself()
    const program = startNode([PROGRAM, this.#url, this.base, String(life), String(LINES)])
    // Some do not live to see the sink opened, or their own first line; half of them are in the middle of what they deliver.
    const when = life === 1 ? 'kept' : this.#random.pick(['early', 'started', 'taken', 'taken'] as const)
    if (when !== 'early') await program.waitForOutput(/started/)
    const { taken } = destination
    if (when === 'kept') await until('something is kept', () => segmentsIn(this.base).some((path) => statSync(path).size > 0))
    if (when === 'taken') await until('something is taken', () => destination.taken > taken, 30_000)
    await this.#pass(this.#random.int(when === 'taken' ? 30 : 100))
    const { signal, stderr } = await program.stop('SIGKILL')
    expect({ signal, wrong: /^.*(Error|throw).*$/m.exec(stderr)?.[0] }).to.deep.equal({ signal: 'SIGKILL', wrong: undefined })
    expect(destination.wrong).to.deep.equal([])
  }

  async #liveOn(life: number): Promise<void> {
    this.destination.turn('up')
    const program = startNode([PROGRAM, this.#url, this.base, String(life), '0', String(this.destination.owed.length)])
    const { code, stdout, stderr } = await program.ended
    expect(code, stderr).to.equal(0)
    const counts = JSON.parse(stdout.split('\n')[1] as string) as Record<string, unknown>
    expect(counts).to.include({ spooled: 0 })
    expect(this.#keptNow(), 'left on the disk').to.deep.equal([])
    expect({ wrong: this.destination.wrong, missing: this.destination.missing([]) }).to.deep.equal({ wrong: [], missing: [] })
  }

  /* What a killed write, or a power failure, may leave at the end: a part of the last record, or rubbish behind it. */
  #tear(): void {
    const path = segmentsIn(this.base).at(-1)
    const what = this.#random.int(3)
    if (path === undefined || what === 0 || statSync(path).size < 10) return
    if (what === 1) appendFileSync(path, Buffer.alloc(1 + this.#random.int(5_000), 0x54))
    else truncateSync(path, statSync(path).size - 10)
    this.torn++
  }

  #keptNow(): KeptLine[] {
    expect(readdirSync(this.base).length, 'each process takes the spool of the last one').to.be.at.most(1)
    return keptIn(this.base)
  }

  #pass(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms))
  }
}

/* Of all spools; none while there is no folder. */
function segmentsIn(base: string): string[] {
  try {
    const names = readdirSync(base, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.seg'))
    return names.sort().map((name) => join(base, name))
  } catch {
    return []
  }
}

/* What lies in all spools of a folder. */
function keptIn(base: string): KeptLine[] {
  return readdirSync(base).flatMap((spool) => keptInSpool(join(base, spool)))
}

/* Read from a copy, so that whoever comes next finds all as it was left. */
function keptInSpool(directory: string): KeptLine[] {
  const copy = join(tempFolder(), 'copy')
  cpSync(directory, copy, { recursive: true })
  const reader = openSpoolReader({ directory: copy, final: true })
  const kept: KeptLine[] = []
  for (let found = reader.next(); found.kind !== 'end'; found = reader.next()) {
    if (found.kind === 'failed') throw new Error(found.reason)
    kept.push(...linesOf(found.payload))
  }
  reader.close()
  return kept
}

describe('several processes with spooling() that are killed', () => {
  it('have one deliver what all of them have kept, and clear their folders away', async function () {
    this.timeout(120_000)
    const base = join(tempFolder(), 'spools')
    const destination = new FickleDestination(new SeededRandom(SEED), { areInOrder: false })
    const url = await destination.listen()
    try {
      const lives = [1, 2, 3]
      const programs = lives.map((life) => startNode([PROGRAM, url, base, String(life), String(LINES)]))
      const written = (): string[] => segmentsIn(base).filter((path) => statSync(path).size > 0)
      await until('each has kept something', () => new Set(written().map(dirname)).size === lives.length, 20_000)
      await Promise.all(programs.map((program) => program.stop('SIGKILL')))
      destination.owed = keptIn(base)
      expect(new Set(destination.owed.map(({ life }) => life))).to.deep.equal(new Set(lives))
      destination.turn('up')
      const { code, stderr } = await startNode([PROGRAM, url, base, '4', '0', String(destination.owed.length)]).ended
      expect(code, stderr).to.equal(0)
      expect({ wrong: destination.wrong, missing: destination.missing([]) }).to.deep.equal({ wrong: [], missing: [] })
      expect(destination.taken).to.equal(destination.owed.length + 1)
      expect(readdirSync(base), 'its own').to.have.length(1)
    } finally {
      destination.close()
    }
  })
})

describe('a process with spooling() that is killed while its destination comes and goes', function () {
  this.timeout(heavy ? 1_800_000 : 120_000)

  it(`starts again, has all delivered that was kept, once and in the order of each flow: ${KILLS} kills (SEED=${SEED})`, async () => {
    const scenes = Array.from({ length: KILLS / KILLS_A_SPOOL }, (_, i) => new Scene(SEED * 10_000 + i * 2))
    const waiting = [...scenes]
    const lane = async (): Promise<void> => {
      for (let scene = waiting.shift(); scene !== undefined; scene = waiting.shift()) await scene.run()
    }
    const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane))
    for (const end of lanes) if (end.status === 'rejected') throw end.reason
    const sum = (of: (scene: Scene) => number): number => scenes.reduce((all, scene) => all + of(scene), 0)
    expect(sum(({ kills }) => kills)).to.equal(KILLS)
    expect(sum(({ kept }) => kept)).to.be.at.least(scenes.length)
    if (heavy) {
      const again = sum(({ destination }) => destination.again)
      const taken = sum(({ destination }) => destination.taken)
      console.log(
        `      ${taken} lines delivered, ${sum(({ kept }) => kept)} found on the disk after a kill, ${sum(({ torn }) => torn)} ends torn, ${again} batches twice`,
      )
    }
  })
})
