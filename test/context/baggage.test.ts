import { expect } from 'chai'
import { Baggage } from 'tracelane'

describe('Baggage', () => {
  const two = Baggage.empty.with('a', '1').with('b', '2')

  it('is not changed by with() and without()', () => {
    two.with('a', '3').without('b')
    expect([...two.entries()]).to.deep.equal([
      ['a', { value: '1' }],
      ['b', { value: '2' }],
    ])
    expect(Baggage.empty.size).to.equal(0)
    expect(Object.isFrozen(two)).to.equal(true)
  })

  describe('with()', () => {
    it('adds a member at the end, or replaces one in its place without its properties', () => {
      const source = new Baggage([
        ['a', { value: '1', properties: 'p' }],
        ['b', { value: '2' }],
      ])
      expect([...source.with('a', '3').with('c', '4').entries()]).to.deep.equal([
        ['a', { value: '3' }],
        ['b', { value: '2' }],
        ['c', { value: '4' }],
      ])
    })
  })

  describe('without()', () => {
    it('leaves a member out, and is the same object if there is none', () => {
      expect(two.without('a')).to.include({ size: 1 })
      expect(two.without('a').get('b')).to.equal('2')
      expect(two.without('c')).to.equal(two)
    })
  })

  describe('get()', () => {
    it('gives a value or undefined, also for names of properties of objects', () => {
      expect(two.get('a')).to.equal('1')
      expect(two.get('toString')).to.equal(undefined)
    })
  })

  it('does not change with the entries that it was made of', () => {
    const entries = new Map([['a', { value: '1' }]])
    const baggage = new Baggage(entries)
    entries.set('b', { value: '2' })
    expect(baggage.size).to.equal(1)
  })
})
