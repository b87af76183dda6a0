import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { consoleSink } from 'tracelane'
import { RunningProgram, runNode, tempFolder, until } from '../../support'

const program = (thread: boolean, body: string): string => `
  const { close, configure, consoleSink, flush, getLogger } = require('tracelane')
  configure({ level: 'trace', thread: ${thread}, queueBytes: 2 ** 25, maxFlushTimeMs: 20_000, sinks: [consoleSink({ stderrFrom: 'warn' })] })
  const log = getLogger('orders')
  ${body}`

interface Line {
  readonly level: string
  readonly i: number
}

const linesOf = (text: string): Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']
const numbers = (count: number, isWanted: (i: number) => boolean): number[] =>
  Array.from({ length: count }, (_, i) => i).filter(isWanted)

describe('consoleSink()', () => {
  for (const thread of [true, false]) {
    describe(thread ? 'on a flush thread' : 'on the thread that logs', () => {
      it('writes each level to its stream, in order', async () => {
        const body = `for (let i = 0; i < 3000; i++) log[${JSON.stringify(LEVELS)}[i % 6]]('größer 😀\\n', { i })`
        const { stdout, stderr } = await runNode(['-e', program(thread, body)])
        expect(linesOf(stdout).map(({ i }) => i)).to.deep.equal(numbers(3000, (i) => i % 6 < 3))
        expect(linesOf(stderr).map(({ i }) => i)).to.deep.equal(numbers(3000, (i) => i % 6 >= 3))
        for (const { level, i } of linesOf(stderr)) expect(level).to.equal(LEVELS[i % 6])
      })

      it('goes on with one stream when the reader of the other one has gone', async () => {
        const body = `
          process.stdout.on('error', () => {})
          process.stdin.resume().on('end', () => {
            for (let i = 0; i < 100; i++) log[i % 2 === 0 ? 'info' : 'error']('x', { i })
            void flush().then(({ failed }) => close().then(() => process.exit(failed > 0 ? 7 : 1)))
          })`
        const running = new RunningProgram(process.execPath, ['-e', program(thread, body)])
        running.child.stdout.destroy()
        const { code, stderr } = await running.ended
        const json = stderr.split('\n').filter((line) => line.startsWith('{'))
        expect(json.map((line) => (JSON.parse(line) as Line).i)).to.deep.equal(numbers(100, (i) => i % 2 === 1))
        expect(stderr).to.match(/refused|EPIPE/)
        expect(code).to.equal(7)
      })

      it('waits for a reader that does not read, and loses nothing', async () => {
        const body = `
          for (let i = 0; i < 5000; i++) log[i % 50 === 0 ? 'error' : 'info']('x'.repeat(100), { i })
          process.stderr.write('logged\\n')`
        const go = join(tempFolder(), 'go')
        execFileSync('mkfifo', [go])
        // A pipe as a shell makes it: those of child_process are sockets.
        const pipeline = '"$0" -e "$1" | { cat "$2" >/dev/null; cat; }'
        const running = new RunningProgram('sh', ['-c', pipeline, process.execPath, program(thread, body), go])
        await until('the program has logged', () => running.stderr.includes('logged\n'))
        writeFileSync(go, '')
        const { stdout, stderr } = await running.ended
        expect(linesOf(stdout).map(({ i }) => i)).to.deep.equal(numbers(5000, (i) => i % 50 !== 0))
        const errors = stderr.split('\n').filter((line) => line.startsWith('{'))
        expect(errors).to.have.length(100)
      })
    })
  }

  it('refuses what contradicts itself, and levels that it does not know', () => {
    expect(() => consoleSink({ stream: 'stderr', stderrFrom: 'warn' })).to.throw(/leave one of them out/)
    expect(() => consoleSink({ stderrFrom: 'warning' as never })).to.throw(/'stderrFrom' must be one of/)
    expect(() => consoleSink({ stderrFrom: 'off' as never })).to.throw(/'stderrFrom' must be one of/)
  })
})
