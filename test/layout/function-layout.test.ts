import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, counters, fileSink, getLogger, type LogEvent } from 'tracelane'
import { captureEvent } from '../../lib/event'
import { createLayout, type LayoutFunction } from '../../lib/layout'
import { tempFolder } from '../support'

const SAID = { level: 'warn', logger: 'a', msg: 'm', fields: { n: 1 } } as const
const layoutOf = (write: LayoutFunction) => createLayout(write, { service: 'orders' }, { ordering: true, terminal: false })

describe('a layout that is a function', () => {
  const broken: readonly (readonly [what: string, layout: LayoutFunction, reason: string])[] = [
    [
      'throws',
      () => {
        throw new Error('no')
      },
      'no',
    ],
    ['returns no text', () => undefined as unknown as string, 'it returned a value of type undefined'],
    [
      'throws what cannot be told',
      () => {
        throw Object.create(null)
      },
      'unknown',
    ],
  ]
  for (const [what, layout, reason] of broken) {
    it(`has its event written as JSON, and counted, when it ${what}`, () => {
      const before = counters.layoutsFailed
      const line = layoutOf(layout)(captureEvent(undefined, SAID), 7)
      expect(JSON.parse(line)).to.include({ level: 'warn', msg: 'm', n: 1, seq: 7, layoutError: reason })
      expect(counters.layoutsFailed).to.equal(before + 1)
    })
  }

  it('has the events that it logs itself written as JSON, and does not call itself for ever', async () => {
    const log = getLogger('test.function-layout')
    const layout = ({ msg }: LogEvent): string => {
      log.info('inside')
      return msg
    }
    const path = join(tempFolder(), 'out.log')
    await configure({ sinks: [fileSink({ path, layout })] })
    log.info('outside')
    await close()
    const [inside = '', outside] = readFileSync(path, 'utf8').split('\n')
    expect(JSON.parse(inside)).to.include({ msg: 'inside', layoutError: 'it logs itself' })
    expect(outside).to.equal('outside')
  })

  it('keeps a line break that is there, and adds the one that is missing', () => {
    for (const text of ['a', 'a\n']) expect(layoutOf(() => text)(captureEvent(undefined, SAID), 1)).to.equal('a\n')
  })
})
