import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventOf, projectFile, runNode, startNode, tempFolder } from '../support'

const program = projectFile('test/fixtures/appender/ending.cjs')
const COUNT = 2000

function numbersIn(text: string): number[] {
  const lines = text.split('\n')
  expect(lines.pop(), 'the last line is whole').to.equal('')
  return lines.map((line) => (JSON.parse(line) as { i: number }).i).filter((i) => i !== undefined)
}

const ALL = Array.from({ length: COUNT }, (_, i) => i)

describe('guardExit()', () => {
  const endings = {
    natural: { code: 0, signal: null },
    exit: { code: 3, signal: null },
    throw: { code: 1, signal: null },
    reject: { code: 1, signal: null },
  } as const

  for (const [how, expected] of Object.entries(endings)) {
    for (const thread of [true, false]) {
      it(`has every line in the file after: ${how}${thread ? '' : ', without a thread'}`, async () => {
        const file = join(tempFolder(), 'out.log')
        const { code, signal, stderr } = await runNode([program, how, file, String(COUNT), JSON.stringify({ thread })])
        expect({ code, signal }, stderr).to.deep.equal(expected)
        expect(numbersIn(readFileSync(file, 'utf8'))).to.deep.equal(ALL)
      })
    }
  }

  it('has every line in a pipe after process.exit()', async () => {
    const { stdout } = await runNode([program, 'exit', '-', String(COUNT)])
    expect(numbersIn(stdout)).to.deep.equal(ALL)
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`drains on ${signal} and ends with that signal`, async () => {
      const file = join(tempFolder(), 'out.log')
      const running = startNode([program, 'wait', file, String(COUNT)])
      await eventOf(running.child.stderr, 'data')
      const outcome = await running.stop(signal)
      expect({ code: outcome.code, signal: outcome.signal }).to.deep.equal({ code: null, signal })
      expect(numbersIn(readFileSync(file, 'utf8'))).to.deep.equal(ALL)
    })
  }

  it('leaves the end to an application that listens to the signal too, and writes what that logs', async () => {
    const file = join(tempFolder(), 'out.log')
    const running = startNode([program, 'graceful', file, String(COUNT)])
    await eventOf(running.child.stderr, 'data')
    const { code } = await running.stop('SIGTERM')
    expect(code).to.equal(0)
    const text = readFileSync(file, 'utf8')
    expect(numbersIn(text)).to.deep.equal(ALL)
    expect(text).to.match(/"msg":"shutting down".*\n.*"msg":"bye"/)
  })

  it('gives up at maxFlushTimeMs when the destination is stuck, and says how many events are lost', async () => {
    const folder = tempFolder()
    const outcome = await runNode([program, 'exit', '/dev/full', '10', JSON.stringify({ maxFlushTimeMs: 200 })], { cwd: folder })
    expect(outcome.code).to.equal(3)
    expect(outcome.stderr).to.match(/tracelane: 10 events were not written before the process ended/)
  })

  it('does not keep the process alive for a reader that never reads', async () => {
    const running = startNode([program, 'natural', '-', '5000', JSON.stringify({ maxFlushTimeMs: 300 })])
    running.child.stdout.pause()
    const [code] = await eventOf(running.child, 'exit')
    expect(code).to.equal(0)
    running.child.stdout.resume()
    await running.ended
  })
})
