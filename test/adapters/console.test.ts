import { Console } from 'node:console'
import { expect } from 'chai'
import { currentTraceId, runWithTrace } from 'tracelane'
import { type ConsoleLike, traceConsole } from 'tracelane/adapters/console'
import { SlowDestination } from './support'

describe('traceConsole()', () => {
  let out: SlowDestination
  let target: ConsoleLike
  let restore: () => void

  beforeEach(() => {
    out = new SlowDestination()
    target = new Console(out, out) as unknown as ConsoleLike
    restore = traceConsole(target)
  })

  async function printed(): Promise<string[]> {
    out.end()
    await new Promise((resolve) => out.once('finish', resolve))
    return out.lines
  }

  it('puts the trace id before texts, formats and objects', async () => {
    const id = runWithTrace(() => {
      target.log('plain')
      target.info('%s has %d', 'cart', 3)
      target.warn({ a: 1 }, 'more')
      target.error(7)
      return currentTraceId()
    })
    expect(await printed()).to.deep.equal([`[${id}] plain`, `[${id}] cart has 3`, `[${id}] { a: 1 } more`, `[${id}] 7`])
  })

  it('changes nothing outside any trace, nor an empty line', async () => {
    target.log('plain')
    runWithTrace(() => target.log())
    expect(await printed()).to.deep.equal(['plain', ''])
  })

  it('gives every line of 100 interleaved users its own id', async () => {
    const flows = Array.from({ length: 100 }, (_, user) =>
      runWithTrace(async () => {
        for (let i = 0; i < 20; i++) {
          target.log(`user=${user} id=${currentTraceId()}`)
          await new Promise((resolve) => setImmediate(resolve))
        }
      }),
    )
    await Promise.all(flows)
    const lines = await printed()
    expect(lines).to.have.length(2000)
    expect(lines.filter((line) => !/^\[([0-9a-f]{32})\] user=\d+ id=\1$/.test(line))).to.deep.equal([])
  })

  it('is undone by the returned function, also below a later patch', () => {
    const below = target.log
    const later = (...args: unknown[]): void => below.apply(target, args)
    target.log = later
    restore()
    expect(target.log).to.equal(later)
    runWithTrace(() => target.log('plain'))
    expect(out.lines).to.deep.equal(['plain'])
    expect(target.info).not.to.equal(target.log)
  })
})
