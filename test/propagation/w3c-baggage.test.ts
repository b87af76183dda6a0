import { expect } from 'chai'
import { Baggage, type BaggageEntry } from 'tracelane'
import { anyGetter, anySetter, extractBaggage, injectBaggage } from '../../lib/propagation'
import { type BaggageVectorEntry, baggageVectors } from '../vectors'

const vectors = baggageVectors()

function baggageOf(entries: readonly BaggageVectorEntry[]): Baggage {
  return new Baggage(
    entries.map(([key, value, properties]): [string, BaggageEntry] => [key, { value, properties: properties ?? undefined }]),
  )
}

function entriesOf(baggage: Baggage): BaggageVectorEntry[] {
  return [...baggage.entries()].map(([key, { value, properties }]) => [key, value, properties ?? null])
}

function written(baggage: Baggage): string | undefined {
  const carrier: Record<string, string> = {}
  injectBaggage(baggage, carrier, anySetter)
  return carrier['baggage']
}

describe('extractBaggage()', () => {
  for (const { rule, headers, entries } of vectors.extract) {
    it(rule, () => {
      expect(entriesOf(extractBaggage({ baggage: [...headers] }, anyGetter))).to.deep.equal(entries)
    })
  }

  it('is empty without a header', () => {
    expect(extractBaggage({}, anyGetter)).to.have.property('size', 0)
  })
})

describe('injectBaggage()', () => {
  for (const { rule, entries, written: expected } of vectors.inject) {
    it(rule, () => {
      expect(written(baggageOf(entries))).to.equal(expected ?? undefined)
    })
  }

  it('replaces a lone surrogate by U+FFFD', () => {
    expect(written(Baggage.empty.with('a', 'x\ud800y'))).to.equal('a=x%EF%BF%BDy')
  })

  it('writes what it reads back, for any text', () => {
    const texts = ['', ' ', 'a b', '100%', '%41', 'ünïcödé €', '🦊', '"\\,;=', '\u0000\u001f\u007f', 'x'.repeat(2000)]
    const baggage = texts.reduce((all, text, i) => all.with(`k${i}`, text), Baggage.empty)
    const read = extractBaggage({ baggage: written(baggage) }, anyGetter)
    expect(texts.map((_, i) => read.get(`k${i}`))).to.deep.equal(texts)
  })
})
