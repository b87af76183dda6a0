import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { counters, currentTrace, extractTrace, mdc, runWithTrace, withSpan } from 'tracelane'

describe('mdc', () => {
  describe('put()', () => {
    it('changes the nearest scope for all that runs in it from then on', async () => {
      await runWithTrace(async () => {
        const later = turn().then(() => mdc.get('a'))
        mdc.put('a', 1)
        expect(mdc.get('a')).to.equal(1)
        expect(await later).to.equal(1)
        await turn()
        expect(mdc.fields()).to.deep.equal({ a: 1 })
      })
    })

    it('is not seen by scopes opened before, and is seen by those opened after', async () => {
      await runWithTrace(async () => {
        mdc.put('a', 1)
        let go = (): void => undefined
        const gate = new Promise<void>((resolve) => {
          go = resolve
        })
        const early = withSpan('early', async () => {
          await gate
          return mdc.fields()
        })
        mdc.put('a', 2)
        mdc.put('b', 3)
        go()
        expect(await early).to.deep.equal({ a: 1 })
        expect(withSpan('late', () => mdc.fields())).to.deep.equal({ a: 2, b: 3 })
      })
    })

    it('in a child scope is not seen outside', () => {
      runWithTrace(() => {
        mdc.put('a', 1)
        for (const scope of [
          (fn: () => void) => withSpan('child', fn),
          (fn: () => void) => mdc.with({}, fn),
          (fn: () => void) => runWithTrace(currentTrace(), fn),
        ]) {
          scope(() => {
            expect(mdc.get('a')).to.equal(1)
            mdc.put('a', 2)
            mdc.put('b', 2)
            expect(mdc.fields()).to.deep.equal({ a: 2, b: 2 })
          })
          expect(mdc.fields()).to.deep.equal({ a: 1 })
        }
      })
    })

    it('copies on write: fields read before stay as they were', () => {
      runWithTrace(() => {
        mdc.put('a', 1)
        const before = mdc.fields()
        mdc.put('a', 2)
        expect(before).to.deep.equal({ a: 1 })
        expect(Object.isFrozen(before)).to.equal(true)
      })
    })

    it('takes any key, also that of a property of objects', () => {
      runWithTrace(() => {
        mdc.put('__proto__', 'x')
        mdc.put('constructor', 'y')
        expect(mdc.get('__proto__')).to.equal('x')
        expect(mdc.get('toString')).to.equal(undefined)
        expect(Object.keys(mdc.fields())).to.deep.equal(['__proto__', 'constructor'])
      })
    })

    it('does nothing outside any trace, and is counted, as is delete', () => {
      const { mdcOutsideTrace } = counters
      mdc.put('a', 1)
      mdc.delete('a')
      expect(mdc.get('a')).to.equal(undefined)
      expect(mdc.fields()).to.deep.equal({})
      expect(counters.mdcOutsideTrace - mdcOutsideTrace).to.equal(2)
    })
  })

  describe('delete()', () => {
    it('removes a field of the nearest scope only', () => {
      runWithTrace(() => {
        mdc.put('a', 1)
        mdc.put('b', 2)
        withSpan('child', () => {
          mdc.delete('a')
          expect(mdc.fields()).to.deep.equal({ b: 2 })
        })
        expect(mdc.fields()).to.deep.equal({ a: 1, b: 2 })
        mdc.delete('nothing')
        expect(mdc.fields()).to.deep.equal({ a: 1, b: 2 })
      })
    })
  })

  describe('with()', () => {
    it('adds fields for one branch and returns what it returns; undefined is left out', () => {
      runWithTrace(() => {
        mdc.put('a', 1)
        const seen = mdc.with({ b: 2, a: 3, c: undefined }, () => mdc.fields())
        expect(seen).to.deep.equal({ a: 3, b: 2 })
        expect(mdc.fields()).to.deep.equal({ a: 1 })
      })
    })

    it('keeps parallel branches apart', async () => {
      await runWithTrace(async () => {
        const branch = (name: string): Promise<unknown> =>
          mdc.with({ branch: name }, async () => {
            await turn()
            mdc.put('own', name)
            await turn()
            return mdc.fields()
          })
        expect(await Promise.all(['x', 'y'].map(branch))).to.deep.equal([
          { branch: 'x', own: 'x' },
          { branch: 'y', own: 'y' },
        ])
        expect(mdc.fields()).to.deep.equal({})
      })
    })

    it('calls the function as it is outside any trace, and counts', () => {
      const { mdcOutsideTrace } = counters
      expect(mdc.with({ a: 1 }, () => mdc.fields())).to.deep.equal({})
      expect(counters.mdcOutsideTrace - mdcOutsideTrace).to.equal(1)
    })
  })

  it('is kept by runWithTrace within one trace, and dropped for another', () => {
    runWithTrace(() => {
      mdc.put('a', 1)
      expect(runWithTrace(currentTrace(), () => mdc.fields())).to.deep.equal({ a: 1 })
      expect(runWithTrace(() => mdc.fields())).to.deep.equal({})
      const other = extractTrace({ traceparent: `00-${'b'.repeat(32)}-00f067aa0ba902b7-01` })
      expect(runWithTrace(other, () => mdc.fields())).to.deep.equal({})
    })
  })
})
