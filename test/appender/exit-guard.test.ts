import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventOf, type Outcome, projectFile, runNode, startNode, tempFolder } from '../support'

const program = projectFile('test/fixtures/appender/ending.cjs')
const COUNT = 2000

function numbersIn(text: string): number[] {
  const lines = text.split('\n')
  expect(lines.pop(), 'the last line is whole').to.equal('')
  return lines.map((line) => (JSON.parse(line) as { i: number }).i).filter((i) => i !== undefined)
}

const ALL = Array.from({ length: COUNT }, (_, i) => i)

/** Starts a program, and sends SIGTERM when it has logged. */
async function terminated(args: readonly string[]): Promise<Outcome> {
  const running = startNode(args)
  await eventOf(running.child.stderr, 'data')
  return await running.stop('SIGTERM')
}

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

  for (const [how, listens] of [
    ['graceful', 'listens to the signal too'],
    ['once', 'listened, by once, before anything was logged'],
  ] as const) {
    it(`leaves the end to an application that ${listens}, and writes what that logs`, async () => {
      const file = join(tempFolder(), 'out.log')
      const { code } = await terminated([program, how, file, String(COUNT)])
      expect(code).to.equal(0)
      const text = readFileSync(file, 'utf8')
      expect(numbersIn(text)).to.deep.equal(ALL)
      expect(text).to.match(/"msg":"shutting down".*\n.*"msg":"bye"/)
    })
  }

  it('says on stderr what a signal left unwritten', async () => {
    const { signal, stderr } = await terminated([program, 'wait', '/dev/full', '10', JSON.stringify({ maxFlushTimeMs: 100 })])
    expect(signal).to.equal('SIGTERM')
    expect(stderr).to.match(/tracelane: 10 events were not written before the process ended/)
  })

  it('goes on guarding a process that a signal does not end, as process 1 of a container', async () => {
    const file = join(tempFolder(), 'out.log')
    const { code } = await terminated([program, 'ignored', file, '1', JSON.stringify({ flushIntervalMs: 60_000 })])
    expect(code).to.equal(4)
    expect(readFileSync(file, 'utf8')).to.match(/"msg":"line 0".*\n.*"msg":"alive"/)
  })

  it('runs the signal listeners of the application outside the flow that logged first', async () => {
    const file = join(tempFolder(), 'out.log')
    await terminated([program, 'flow', file, '1'])
    expect(readFileSync(file, 'utf8')).to.include('trace: undefined')
  })

  it("writes what an 'exit' listener logs that runs after ours", async () => {
    const file = join(tempFolder(), 'out.log')
    await runNode([program, 'late', file, String(COUNT)])
    expect(numbersIn(readFileSync(file, 'utf8'))).to.deep.equal([...ALL, COUNT])
  })

  it("writes the first event of a process when an 'exit' listener logs it", async () => {
    const { stdout } = await runNode(['-e', "process.on('exit', () => require('tracelane').getLogger('x').info('the first'))"])
    expect(stdout).to.include('"msg":"the first"')
  })

  it('writes what is left when the destination is well again, though the flush thread sleeps before its next try', async () => {
    const folder = join(tempFolder(), 'later')
    writeFileSync(folder, 'a file where the folder should be')
    const file = join(folder, 'out.log')
    await runNode([program, 'recovers', file, '10', JSON.stringify({ maxFlushTimeMs: 300 })])
    expect(numbersIn(readFileSync(file, 'utf8'))).to.have.length(10)
  })

  it('does not keep the process alive for a FIFO without a reader', async () => {
    const fifo = join(tempFolder(), 'fifo')
    execFileSync('mkfifo', [fifo])
    const { code, stderr } = await runNode([program, 'exit', fifo, '10', JSON.stringify({ maxFlushTimeMs: 100 })], {
      deadlineMs: 5000,
    })
    expect(code).to.equal(3)
    expect(stderr).to.match(/tracelane: 10 events were not written/)
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
