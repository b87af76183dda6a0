import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { attendForRecorder, attention, NOBODY, overrideLevel, TraceRoot } from '../../lib/context'
import { until } from '../support'

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}

describe('attention', () => {
  before(async () => {
    await until('what other tests have left is collected', () => {
      collectGarbage()
      return attention.lowest === NOBODY
    })
  })

  it('is paid to the least severity that a recorder or a live override wants', async () => {
    expect(attention.lowest).to.equal(NOBODY)
    attendForRecorder(5)
    expect(attention.lowest).to.equal(5)
    overrideLevel(new TraceRoot(), { severity: 1, until: Date.now() + 30 })
    expect(attention.lowest).to.equal(1)
    attendForRecorder(NOBODY)
    expect(attention.lowest).to.equal(1)
    await until('the override has expired', () => attention.lowest === NOBODY)
  })

  it('ends when nothing refers to the trace any more, whether it was ever ended or not', async () => {
    for (let i = 0; i < 1000; i++) overrideLevel(new TraceRoot(), { severity: 5, until: Date.now() + 3_600_000 })
    expect(attention.lowest).to.equal(5)
    await until('all are collected', () => {
      collectGarbage()
      return attention.lowest === NOBODY
    })
  })

  it('goes on as long as one override lives', async () => {
    const root = new TraceRoot()
    overrideLevel(root, { severity: 5, until: Date.now() + 60_000 })
    overrideLevel(new TraceRoot(), { severity: 1, until: Date.now() + 60_000 })
    await until('the other is collected', () => {
      collectGarbage()
      return attention.lowest === 5
    })
    overrideLevel(root, { severity: 5, until: Date.now() + 20 })
    expect(root.levelOverride?.severity).to.equal(5)
  })
})
