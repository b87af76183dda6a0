import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type FileSinkOptions, fileSink } from 'tracelane'
import { openSink, type Sink } from '../../../lib/sinks'
import { askToReopen, type FileSinkSpec } from '../../../lib/sinks/file'
import { projectFile, RunningProgram, tempFolder, until } from '../../support'

const never = (): boolean => false
const isPosix = process.platform !== 'win32'

/* What the application's copy of the package describes, opened as a flush thread does. */
const open = (spec: unknown): Sink => openSink(spec as FileSinkSpec)
const put = (sink: Sink, text: string): void => {
  expect(sink.write(Buffer.from(text), never)).to.deep.equal({ outcome: 'delivered' })
}

describe('fileSink()', () => {
  describe('append: false', () => {
    it('empties the file when the process opens it for the first time, and never again', () => {
      const path = join(tempFolder(), 'a.log')
      writeFileSync(path, 'of an earlier process\n')
      const spec = fileSink({ path, append: false })
      const first = open(spec)
      expect(readFileSync(path, 'utf8'), 'nothing was written yet').to.equal('of an earlier process\n')
      put(first, 'a\n')
      first.close()
      put(first, 'b\n')
      // The thread that takes over, and a second configure().
      put(open(structuredClone(spec)), 'c\n')
      put(open(fileSink({ path, append: false })), 'd\n')
      expect(readFileSync(path, 'utf8')).to.equal('a\nb\nc\nd\n')
    })

    it('leaves a file alone that somebody put there meanwhile', () => {
      const path = join(tempFolder(), 'a.log')
      const sink = open(fileSink({ path, append: false }))
      put(sink, 'a\n')
      renameSync(path, `${path}.1`)
      writeFileSync(path, 'of somebody else\n')
      put(sink, 'b\n')
      expect(readFileSync(path, 'utf8')).to.equal('of somebody else\nb\n')
    })

    it('loses no line of a burst that begins before the flush thread runs', async () => {
      const path = join(tempFolder(), 'a.log')
      writeFileSync(path, 'of an earlier process\n')
      const program = `
        const { configure, fileSink, getLogger } = require('tracelane')
        configure({ sinks: [fileSink({ path: process.argv[1], append: false })], overflow: 'block' })
        const log = getLogger('x')
        let i = 0
        const some = () => { for (const end = i + 1000; i < end; i++) log.info('x', { i }); if (i < 20000) setImmediate(some) }
        some()`
      const { code } = await new RunningProgram(process.execPath, ['-e', program, path]).ended
      expect(code).to.equal(0)
      expect(numbersIn([path])).to.deep.equal(Array.from({ length: 20_000 }, (_, i) => i))
    })
  })

  it('is made with the permissions that are asked for, and so are its folders', function () {
    if (!isPosix) this.skip()
    const cases: readonly (readonly [Partial<FileSinkOptions>, file: number, folder: number])[] = [
      [{}, 0o666, 0o777],
      [{ mode: 0o600, directoryMode: 0o700 }, 0o600, 0o700],
      [{ mode: '0640', directoryMode: '750' }, 0o640, 0o750],
    ]
    for (const [options, mode, directoryMode] of cases) {
      const folder = join(tempFolder(), 'new')
      const path = join(folder, 'inner', 'a.log')
      put(open(fileSink({ path, ...options })), 'a\n')
      const free = 0o777 & ~process.umask()
      expect(statSync(path).mode & 0o777).to.equal(mode & free)
      for (const made of [folder, join(folder, 'inner')]) expect(statSync(made).mode & 0o777).to.equal(directoryMode & free)
    }
    const path = join(tempFolder(), 'there.log')
    writeFileSync(path, '', { mode: 0o604 })
    put(open(fileSink({ path, mode: 0o600 })), 'a\n')
    expect(statSync(path).mode & 0o777, 'one that is there').to.equal(0o604 & ~process.umask())
  })

  it('refuses permissions that are none', () => {
    for (const mode of [-1, 0o1000, 6.4, '888', '0o640', '7777', true]) {
      expect(() => fileSink({ path: 'x', mode: mode as never }), String(mode)).to.throw(/'mode' must be permissions/)
    }
  })

  it('is opened anew when it was asked to, on each thread', function () {
    if (!existsSync('/proc/self/fd')) this.skip()
    const folder = tempFolder()
    const spec = fileSink({ path: join(folder, 'a.log'), reopenOnSignal: 'SIGHUP' }) as FileSinkSpec
    const lower = [openSync(join(folder, '1'), 'w'), openSync(join(folder, '2'), 'w')]
    const sinks = [open(spec), open(structuredClone(spec))]
    for (const sink of sinks) put(sink, 'a\n')
    const before = descriptorsOf(spec.options.path)
    expect(before).to.have.length(2)
    for (const fd of lower) closeSync(fd)
    for (const sink of sinks) put(sink, 'b\n')
    expect(descriptorsOf(spec.options.path)).to.deep.equal(before)
    askToReopen(spec.shared as SharedArrayBuffer)
    for (const sink of sinks) put(sink, 'c\n')
    expect(descriptorsOf(spec.options.path)).to.have.length(2).and.not.deep.equal(before)
    for (const sink of sinks) sink.close()
  })

  for (const thread of [true, false]) {
    it(`lives through the signal at which it is opened anew, and dies of it after close(), ${thread ? 'with' : 'without'} a flush thread`, async function () {
      if (!existsSync('/proc/self/fd')) this.skip()
      const path = join(tempFolder(), 'a.log')
      const program = new RunningProgram(process.execPath, [
        projectFile('test/fixtures/sinks/reopened.cjs'),
        path,
        String(thread),
      ])
      const { signal, stdout, stderr } = await program.ended
      expect(stderr).to.equal('')
      expect(stdout.split('\n').slice(0, -1)).to.deep.equal(['the application hears it too', 'opened anew', 'closed'])
      expect(signal).to.equal('SIGHUP')
    })
  }

  it('goes on in a new file when it was moved, and at the beginning when it was copied and cut', async () => {
    const folder = tempFolder()
    const path = join(folder, 'a.log')
    const program = `
      const { configure, fileSink, getLogger } = require('tracelane')
      configure({ sinks: [fileSink({ path: process.argv[1] })], overflow: 'block', flushIntervalMs: 1 })
      let i = 0
      const timer = setInterval(() => { for (let n = 0; n < 20; n++) getLogger('x').info('x', { i: i++ }) }, 1)
      process.stdin.resume().on('end', () => clearInterval(timer))`
    const running = new RunningProgram(process.execPath, ['-e', program, path], { keepsInput: true })
    const names: string[] = []
    for (let n = 1; n <= 5; n++) {
      await until(`file ${n} has lines`, () => existsSync(path) && statSync(path).size > 5000)
      names.push(`${path}.${n}`)
      renameSync(path, `${path}.${n}`)
    }
    await until('the last file has lines', () => existsSync(path) && statSync(path).size > 5000)
    const [before] = numbersIn([path])
    copyFileSync(path, `${path}.copy`)
    truncateSync(path)
    await until('the cut file has lines', () => (numbersIn([path])[0] ?? before) !== before)
    running.child.stdin.end()
    expect((await running.ended).code).to.equal(0)
    const moved = numbersIn(names)
    expect(moved).to.deep.equal(Array.from(moved, (_, i) => i))
    // What came between the copy and the cut is what logrotate warns of.
    const last = numbersIn([path])
    expect(last).to.deep.equal(Array.from(last, (_, i) => (last[0] as number) + i))
    expect(readFileSync(path)[0]).to.equal(0x7b)
  })
})

function numbersIn(paths: readonly string[]): number[] {
  const lines = paths.flatMap((path) => readFileSync(path, 'utf8').split('\n').slice(0, -1))
  return lines.map((line) => (JSON.parse(line) as { i: number }).i)
}

function descriptorsOf(path: string): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  })
}
