import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type RollingFileSinkOptions, rollingFileSink } from 'tracelane'
import { openRollingFileSink, type RollClock } from '../../../lib/sinks/rolling-file/sink'
import type { Sink } from '../../../lib/sinks/sink'
import { heavy, requires, runNode, startNode, tempFolder, until } from '../../support'
import { filesIn, readBack } from './lines-oracle'
import { awaitThreads } from './threads'

const never = (): boolean => false
const DELIVERED = { outcome: 'delivered' }
const LINE_BYTES = 64

/* Lines of 64 bytes with numbers from `from` on. */
function lines(from: number, count: number): Buffer {
  const text = Array.from({ length: count }, (_, i) =>
    `{"n":"${String(from + i).padStart(6, '0')}"`.padEnd(LINE_BYTES - 2).concat('}\n'),
  )
  return Buffer.from(text.join(''))
}

class SetClock implements RollClock {
  time = Date.UTC(2026, 2, 1, 10)
  ms = 0
  readonly processStart = 0
  random(): number {
    return 0.5
  }
  now(): number {
    return this.time
  }
  elapsed(): number {
    return this.ms
  }
}

describe('openRollingFileSink()', () => {
  awaitThreads()

  const open: Sink[] = []
  let folder: string
  let clock: SetClock

  beforeEach(() => {
    folder = tempFolder()
    clock = new SetClock()
  })

  afterEach(() => {
    for (const sink of open.splice(0)) sink.close()
  })

  function sinkOf(options: Partial<RollingFileSinkOptions>, by: RollClock | undefined = clock): Sink {
    const spec = rollingFileSink({
      ...{
        filePattern: join(folder, 'app-%d.%i.log'),
        path: join(folder, 'app.log'),
        maxFileBytes: 10 * LINE_BYTES,
        timezone: 'UTC',
      },
      ...options,
    })
    const sink = openRollingFileSink(spec.options, by)
    open.push(sink)
    return sink
  }

  describe('when something is wrong with the disk', () => {
    it('says so while it is full, and goes on when it is not', () => {
      symlinkSync('/dev/full', join(folder, 'app.log'))
      const sink = sinkOf({})
      const result = sink.write(lines(0, 3), never)
      expect(result).to.include({ outcome: 'retryable', written: 0 })
      expect((result as { reason: string }).reason).to.match(/ENOSPC/)
      rmSync(join(folder, 'app.log'))
      expect(sink.write(lines(0, 3), never)).to.deep.equal(DELIVERED)
      expect(readBack(folder, new Set()).files).to.deep.equal({ 'app.log': 3 })
    })

    it('finishes a line that a write has torn in the file in which it began', async function () {
      requires(this, 'prlimit', spawnSync('prlimit', ['--version']).status === 0)
      const program = `
        const { execFileSync } = require('node:child_process')
        const { openRollingFileSink } = require('./dist/lib/sinks/rolling-file')
        const { rollingFileSink } = require('tracelane')
        const clock = { time: Date.now(), random: () => 0, now: () => clock.time, elapsed: () => 0, processStart: 0 }
        const options = { filePattern: '${join(folder, 'app-%d{yyyy-MM-dd-HH}.log')}', path: '${join(folder, 'app.log')}' }
        const sink = openRollingFileSink(rollingFileSink(options).options, clock)
        const text = Buffer.from(process.argv[1])
        const limit = (bytes) => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=' + bytes + ':unlimited'])
        // The first write also writes who owns the file, which the limit must not meet
        const first = sink.write(text.subarray(0, 64), () => false).outcome
        limit(100)
        const { outcome, written } = sink.write(text.subarray(64), () => false)
        limit('unlimited')
        clock.time += 3_600_000
        console.log(first, outcome, written, sink.write(text.subarray(64 + written), () => false).outcome)
      `
      const { stdout, stderr } = await runNode(['-e', program, lines(0, 4).toString()])
      expect({ stdout, stderr }).to.deep.equal({ stdout: 'delivered retryable 36 delivered\n', stderr: '' })
      const { files, wrong } = readBack(folder, new Set())
      expect(wrong).to.deep.equal([])
      expect(Object.entries(files).map(([name, count]) => [name === 'app.log', count])).to.deep.equal([
        [false, 2],
        [true, 2],
      ])
    })

    it('tells once that a file cannot be finished, writes on into it, and finishes it later', () => {
      writeFileSync(join(folder, 'done'), 'a file where a folder should be')
      const sink = sinkOf({ filePattern: join(folder, 'done/app.%i.log') })
      const result = sink.write(lines(0, 12), never) as { outcome: string; written: number; reason: string }
      expect(result).to.include({ outcome: 'retryable', written: 10 * LINE_BYTES })
      expect(result.reason).to.match(/app\.log cannot be finished, and is written on/)
      expect(sink.write(lines(10, 2), never)).to.deep.equal(DELIVERED)
      expect(sink.write(lines(12, 2), never)).to.deep.equal(DELIVERED)
      rmSync(join(folder, 'done'))
      clock.ms = 1_000
      expect(sink.write(lines(14, 1), never)).to.deep.equal(DELIVERED)
      const { files, wrong } = readBack(folder, new Set())
      expect({ files, wrong }).to.deep.equal({ files: { 'app.log': 1, 'done/app.1.log': 14 }, wrong: [] })
    })

    it('says so while the folder cannot be made, and goes on when it can', () => {
      writeFileSync(join(folder, 'logs'), 'a file where a folder should be')
      const sink = sinkOf({ path: join(folder, 'logs/app.log') })
      expect(sink.write(lines(0, 1), never)).to.include({ outcome: 'retryable', written: 0 })
      rmSync(join(folder, 'logs'))
      expect(sink.write(lines(0, 1), never)).to.deep.equal(DELIVERED)
    })

    it('goes on when somebody removes the file or the folder', () => {
      const sink = sinkOf({ path: join(folder, 'logs/app.log') })
      sink.write(lines(0, 1), never)
      rmSync(join(folder, 'logs'), { recursive: true })
      expect(sink.write(lines(1, 1), never)).to.deep.equal(DELIVERED)
      expect(readBack(folder, new Set()).numbers).to.deep.equal([1])
    })
  })

  describe('who may write', () => {
    const program = (options: object): string => `
      const { openRollingFileSink } = require('./dist/lib/sinks/rolling-file')
      const { rollingFileSink } = require('tracelane')
      const sink = openRollingFileSink(rollingFileSink(${JSON.stringify(options)}).options)
      console.log(sink.write(Buffer.from('{"n":"000000"}\\n'), () => false).outcome)
      setInterval(() => {}, 1000)
    `

    it('is one process: another one is refused as long as that runs, also if it is killed', async () => {
      const options = { filePattern: join(folder, 'app.%i.log'), path: join(folder, 'app.log'), maxFileBytes: 1_000 }
      const other = startNode(['-e', program(options)])
      await until('the other process has written', () => other.stdout.includes('delivered'))
      const sink = sinkOf(options)
      const result = sink.write(lines(1, 1), never)
      expect(result).to.include({ outcome: 'retryable', written: 0 })
      expect((result as { reason: string }).reason).to.equal(
        `process ${other.child.pid} writes to ${join(folder, 'app.log')}: give each process a file of its own, or all of them 'multiProcess'`,
      )
      other.child.kill('SIGKILL')
      await other.ended
      expect(sink.write(lines(1, 1), never)).to.deep.equal(DELIVERED)
      expect(readBack(folder, new Set()).files).to.deep.equal({ 'app.log': 2 })
    })

    it('is any part of one process', () => {
      expect(sinkOf({}).write(lines(0, 1), never)).to.deep.equal(DELIVERED)
      expect(sinkOf({}).write(lines(1, 1), never)).to.deep.equal(DELIVERED)
    })

    for (const [what, text] of Object.entries({
      'an earlier process with the number of one that runs': (place: string) =>
        `{"pid":${process.ppid},"started":"1","place":"${place}"}`,
      'another host': () => '{"pid":1,"started":"1","place":"elsewhere"}',
      'nobody, because it was half written': () => '{"pid":',
      'nobody, because it is something else': () => 'null',
    })) {
      it(`is whoever comes when the lock is that of ${what}`, () => {
        const lock = join(folder, 'app.log.lock')
        const first = sinkOf({})
        first.write(lines(0, 1), never)
        const { place } = JSON.parse(readFileSync(lock, 'utf8')) as { place: string }
        first.close()
        expect(existsSync(lock)).to.equal(false)
        writeFileSync(lock, text(place))
        expect(sinkOf({}).write(lines(1, 1), never)).to.deep.equal(DELIVERED)
        expect(JSON.parse(readFileSync(lock, 'utf8'))).to.include({ pid: process.pid, place })
      })
    }
  })

  it('does not finish at a start what another thread of this process has begun', () => {
    const options = { rollOnStart: true, filePattern: join(folder, 'app.%i.log') }
    const system = { now: Date.now, random: () => 0, elapsed: () => 0, processStart: Date.now() - process.uptime() * 1000 }
    sinkOf(options, system).write(lines(0, 1), never)
    sinkOf(options, system).write(lines(1, 1), never)
    expect(readBack(folder, new Set()).files).to.deep.equal({ 'app.log': 2 })
  })

  it('brings all files of a write to the disk, and says no before there is one', () => {
    const sink = sinkOf({})
    expect(sink.sync?.()).to.equal(false)
    sink.write(lines(0, 35), never)
    expect(sink.sync?.()).to.equal(true)
  })

  it('keeps mode and time of what it compresses', async () => {
    const sink = sinkOf({ filePattern: join(folder, 'app.%i.log.gz') })
    sink.write(lines(0, 1), never)
    chmodSync(join(folder, 'app.log'), 0o640)
    const before = statSync(join(folder, 'app.log'))
    sink.write(lines(1, 10), never)
    await until('compressed', () => existsSync(join(folder, 'app.1.log.gz')) && !existsSync(join(folder, 'app.1.log')))
    expect(statSync(join(folder, 'app.1.log.gz')).mode).to.equal(before.mode)
  })

  it('has each line once, in files of the right size, after a burst through hundreds of files', async () => {
    const total = heavy ? 10_000_000 : 100_000
    const maxFileBytes = heavy ? 2 ** 20 : 2 ** 14
    const sink = sinkOf({ filePattern: join(folder, 'app.%i.log.gz'), maxFileBytes })
    for (let n = 0; n < total; n += 1_000) expect(sink.write(lines(n, 1_000), never)).to.deep.equal(DELIVERED)
    await until(
      'all is compressed',
      () => !filesIn(folder).some((name) => /^app\..*\.log$/.test(name) && name !== 'app.log'),
      500_000,
    )
    const { numbers, wrong, bytes } = readBack(folder, new Set())
    expect(wrong).to.deep.equal([])
    const times = new Uint8Array(total)
    for (const n of numbers) times[n] = (times[n] ?? 0) + 1
    expect(numbers.length).to.equal(total)
    expect(times.every((count) => count === 1)).to.equal(true)
    const full = Object.entries(bytes).filter(([name]) => name !== 'app.log')
    expect(full.length).to.be.greaterThan(300)
    expect(full.every(([, size]) => size <= maxFileBytes && size > maxFileBytes - LINE_BYTES)).to.equal(true)
  })

  it('has each line that was written once after a process was killed and another one has gone on', async () => {
    const options = { filePattern: join(folder, 'app.%i.log.gz'), path: join(folder, 'app.log'), maxFileBytes: 50 * LINE_BYTES }
    const program = `
      const { openRollingFileSink } = require('./dist/lib/sinks/rolling-file')
      const { rollingFileSink } = require('tracelane')
      const { writeSync } = require('node:fs')
      const sink = openRollingFileSink(rollingFileSink(${JSON.stringify(options)}).options)
      let n = Number(process.argv[1])
      for (;;) {
        const line = ('{"n":"' + String(n++).padStart(6, '0') + '"').padEnd(${LINE_BYTES - 2}) + '}\\n'
        if (sink.write(Buffer.from(line), () => false).outcome !== 'delivered') break
        if (n % 40 === 0) writeSync(1, n + '\\n')
      }
    `
    let next = 0
    for (let round = 0; round < (heavy ? 25 : 4); round++) {
      const child = startNode(['-e', program, String(next)])
      await until('lines are written', () => child.stdout.split('\n').length > 20 + (round % 10) * 7, 60_000)
      child.child.kill('SIGKILL')
      const { stdout } = await child.ended
      const told = Number(stdout.slice(0, stdout.lastIndexOf('\n')).split('\n').at(-1))
      const { numbers } = readBack(folder, leftTemporary(folder))
      next = numbers.reduce((most, n) => Math.max(most, n), -1) + 1
      expect(next).to.be.at.least(told)
    }
    sinkOf(options).write(lines(next, 51), never)
    await until('all is compressed', () => filesIn(folder).every((name) => name === 'app.log' || name.endsWith('.log.gz')))
    const { numbers, wrong } = readBack(folder, new Set())
    expect(wrong).to.deep.equal([])
    expect([...numbers].sort((a, b) => a - b)).to.deep.equal(Array.from({ length: next + 51 }, (_, i) => i))
  })
})

function leftTemporary(folder: string): Set<string> {
  return new Set(filesIn(folder).filter((name) => name.endsWith('.tmp')))
}
