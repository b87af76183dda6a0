import { mkdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { type RollingFileSinkOptions, rollingFileSink } from 'tracelane'
import { openRollingFileSink, type RollClock } from '../../../lib/sinks/rolling-file/sink'
import type { Sink } from '../../../lib/sinks/sink'
import { projectFile, tempFolder, until } from '../../support'
import { filesIn, readBack } from './lines-oracle'
import { awaitThreads } from './threads'

type Form = 'json' | 'text' | 'ecs' | 'otel'

interface Write {
  readonly write: number
  readonly size?: number
  readonly form?: Form
  readonly times?: readonly string[]
}

type Step =
  | Write
  | { readonly clock: string }
  | { readonly restart: true }
  | { readonly settle: true }
  | { readonly foreign: string }
  | { readonly folder: string }
  | { readonly move: readonly [string, string] }
  | ({ readonly leftover: string; readonly zipped?: boolean } & Write)

interface Vector {
  readonly name: string
  readonly options: RollingFileSinkOptions
  readonly steps: readonly Step[]
  readonly files: Readonly<Record<string, number>>
  readonly foreign?: Readonly<Record<string, string>>
  readonly removed?: number
}

const { cases } = JSON.parse(readFileSync(projectFile('test/vectors/rolling-file.json'), 'utf8')) as { cases: readonly Vector[] }

const LINE_BYTES = 64
const FORMS: Readonly<Record<Form, (time: string) => string>> = {
  json: (time) => `{"time":"${time}",`,
  text: (time) => `${time} `,
  ecs: (time) => `{"@timestamp":"${time}",`,
  otel: (time) => `{"timeUnixNano":"${Date.parse(time)}000000",`,
}

/* Runs the steps of a case in a folder, with a clock of its own. */
class Run {
  readonly #vector: Vector
  readonly #folder: string
  readonly #clock: { time: number; start: number } = { time: 0, start: 0 }
  #sink: Sink
  written = 0

  constructor(vector: Vector, folder: string) {
    this.#vector = vector
    this.#folder = folder
    this.#sink = this.#open()
  }

  #open(): Sink {
    const { filePattern, path, ...options } = this.#vector.options
    const inFolder = { filePattern: join(this.#folder, filePattern), path: path && join(this.#folder, path) }
    const clock: RollClock = {
      ...{ now: () => this.#clock.time, elapsed: () => 0, random: () => 0 },
      processStart: this.#clock.start,
    }
    return openRollingFileSink(rollingFileSink({ ...options, ...inFolder }).options, clock)
  }

  async step(step: Step): Promise<void> {
    if ('clock' in step) this.#clock.time = Date.parse(step.clock)
    else if ('restart' in step) this.#restart()
    else if ('settle' in step) await this.#settled()
    else if ('foreign' in step) writeFileSync(join(this.#folder, step.foreign), 'foreign')
    else if ('folder' in step) mkdirSync(join(this.#folder, step.folder))
    else if ('move' in step) renameSync(join(this.#folder, step.move[0]), join(this.#folder, step.move[1]))
    else if ('leftover' in step) this.#leave(step.leftover, this.#lines(step), step.zipped === true)
    else this.#write(this.#lines(step))
  }

  #restart(): void {
    this.#sink.close()
    // The next process begins after everything that is there.
    this.#clock.start = Number.POSITIVE_INFINITY
    this.#sink = this.#open()
  }

  #write(lines: Buffer): void {
    expect(this.#sink.write(lines, () => false)).to.deep.equal({ outcome: 'delivered' })
    const { path } = this.#vector.options
    if (path !== undefined) utimesSync(join(this.#folder, path), this.#clock.time / 1000, this.#clock.time / 1000)
  }

  #leave(name: string, lines: Buffer, zipped: boolean): void {
    writeFileSync(join(this.#folder, name), lines)
    if (zipped) writeFileSync(join(this.#folder, `${name}.gz`), gzipSync(lines))
  }

  #lines({ write, size = LINE_BYTES, form = 'json', times = [] }: Write): Buffer {
    const lines = Array.from({ length: write }, (_, i) => {
      const head = `${FORMS[form](times[i] ?? new Date(this.#clock.time).toISOString())}"n":"${String(this.written++).padStart(6, '0')}"`
      return `${head.padEnd(size - 2)}#\n`
    })
    return Buffer.from(lines.join(''))
  }

  async #settled(): Promise<void> {
    const { path, filePattern } = this.#vector.options
    if (!filePattern.endsWith('.gz')) return
    const mayBePlain = path === undefined ? 1 : 0
    const plain = (): number => filesIn(this.#folder).filter((name) => /^app[-.].*\.log$/.test(name)).length
    await until('all that is finished is compressed', () => plain() <= mayBePlain)
  }

  end(): void {
    this.#sink.close()
  }
}

describe('openRollingFileSink(), by its table', () => {
  awaitThreads()

  for (const vector of cases) {
    it(`finishes a file by ${vector.name}`, async () => {
      const { steps, files, foreign = {}, removed = 0, options } = vector
      const folder = tempFolder()
      const run = new Run(vector, folder)
      for (const step of steps) await run.step(step)
      const expected = [...Object.keys(files), ...Object.keys(foreign)].sort()
      await until('the last file is compressed', () => String(filesIn(folder)) === String(expected), 15_000).catch(() => {})
      run.end()

      expect(filesIn(folder)).to.deep.equal(expected)
      const found = readBack(folder, new Set(Object.keys(foreign)))
      expect(found.wrong).to.deep.equal([])
      expect(found.files).to.deep.equal(files)
      expect(new Set(found.numbers).size).to.equal(found.numbers.length)
      expect(found.numbers.length).to.equal(run.written - removed)
      for (const [name, bytes] of Object.entries(found.bytes)) {
        if (files[name] !== 1) expect(bytes, name).to.be.at.most(options.maxFileBytes ?? Number.POSITIVE_INFINITY)
      }
      for (const [name, text] of Object.entries(foreign)) expect(readFileSync(join(folder, name), 'utf8')).to.equal(text)
    })
  }
})
