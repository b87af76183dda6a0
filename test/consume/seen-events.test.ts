import { expect } from 'chai'
import fc from 'fast-check'
import type { ConsumedEvent } from '../../lib/consume/event'
import { SeenEvents } from '../../lib/consume/seen-events'

const event = (instance: string | undefined, seq: number | undefined): ConsumedEvent => ({
  ...{ line: '', instance, seq, traceId: undefined },
})
const isNew = (seen: SeenEvents, instance: string, seq: number): boolean => seen.unseen([event(instance, seq)]).length === 1

describe('SeenEvents', () => {
  it('knows exactly what was added, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b'), fc.nat(60_000)), { maxLength: 200 }), (names) => {
        const seen = new SeenEvents()
        const known = new Set<string>()
        for (const [instance, seq] of names) {
          const name = `${instance} ${seq}`
          expect(isNew(seen, instance, seq)).to.equal(!known.has(name))
          seen.add([event(instance, seq)])
          known.add(name)
        }
      }),
    )
  })

  it('leaves out what is twice in one batch', () => {
    const seen = new SeenEvents()
    expect(seen.unseen([event('a', 1), event('a', 2), event('a', 1)])).to.deep.equal([event('a', 1), event('a', 2)])
    expect(isNew(seen, 'a', 1)).to.equal(true)
  })

  it('takes each event without a name for new', () => {
    const seen = new SeenEvents()
    const nameless = [event(undefined, 1), event('a', undefined), event(undefined, 1)]
    seen.add(nameless)
    expect(seen.unseen(nameless)).to.deep.equal(nameless)
  })

  it('takes for new what is too old to be known: of an instance, and instances', () => {
    const seen = new SeenEvents()
    for (let seq = 0; seq <= 65_536; seq += 1_024) seen.add([event('a', seq)])
    expect([isNew(seen, 'a', 0), isNew(seen, 'a', 1_024), isNew(seen, 'a', 65_536)]).to.deep.equal([true, false, false])
    seen.add([event('b', 1)])
    for (let i = 0; i < 999; i++) seen.add([event(`other-${i}`, 1)])
    expect([isNew(seen, 'a', 65_536), isNew(seen, 'b', 1)]).to.deep.equal([true, false])
  })
})
