import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, fileSink } from 'tracelane'
import { eventOf, messagesIn, projectFile, runNode, startNode, tempFolder } from '../support'

const program = projectFile('test/fixtures/volume/ending.cjs')

const WRITTEN = ['again', 'loud 0', 'loud 1']
const TOLD = ['repeated 3 more times: again', '3 events of loud were left out: more than its budget of 2 a second']

describe('what is held back when the process ends', () => {
  const endings = {
    natural: { code: 0, written: [...WRITTEN, ...TOLD] },
    exit: { code: 3, written: [...WRITTEN, ...TOLD] },
    throw: { code: 1, written: [...WRITTEN, 'in flight', ...TOLD] },
    reject: { code: 1, written: [...WRITTEN, 'in flight', ...TOLD] },
    handled: { code: 7, written: [...WRITTEN, 'in flight', 'caught uncaught', ...TOLD] },
  }
  for (const [how, { code, written }] of Object.entries(endings)) {
    it(`is told, and in a crash written: ${how}`, async () => {
      const path = join(tempFolder(), 'out.log')
      const outcome = await runNode([program, how, path])
      expect({ code: outcome.code, signal: outcome.signal }, outcome.stderr).to.deep.equal({ code, signal: null })
      expect(messagesIn(path)).to.deep.equal(written)
    })
  }

  it('is told: SIGTERM', async () => {
    const path = join(tempFolder(), 'out.log')
    const running = startNode([program, 'wait', path])
    await eventOf(running.child.stderr, 'data')
    const { signal } = await running.stop('SIGTERM')
    expect(signal).to.equal('SIGTERM')
    expect(messagesIn(path)).to.deep.equal([...WRITTEN, ...TOLD])
  })

  it('needs no listener of the process when nothing is held back', async () => {
    const listeners = (): number => process.listenerCount('uncaughtExceptionMonitor')
    const before = listeners()
    const sinks = [fileSink({ path: join(tempFolder(), 'out.log') })]
    await configure({ sinks })
    expect(listeners()).to.equal(before)
    await configure({ sinks, flightRecorder: true })
    expect(listeners()).to.equal(before + 1)
    await configure({ sinks })
    expect(listeners()).to.equal(before)
    await close()
  })
})
