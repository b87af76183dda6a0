import { expect } from 'chai'
import { elasticsearchSink } from 'tracelane'
import { destinationOf, readSink } from '../../../lib/sinks'

const url = 'https://ann:s3cret@es.example:9200'

describe('elasticsearchSink()', () => {
  it('has all defaults, and is frozen data that crosses threads', () => {
    const spec = elasticsearchSink({ url })
    expect(spec.options).to.include({ index: 'logs-tracelane-default', layout: 'ecs', ordering: true, maxBatchEvents: 5_000 })
    for (const part of [spec, spec.options]) expect(part).to.be.frozen
    expect(structuredClone(spec)).to.deep.equal(spec)
    expect(readSink(spec)).to.deep.equal(spec)
    expect(destinationOf(spec)).to.equal('https://es.example:9200 (index logs-tracelane-default)')
  })

  for (const index of ['logs-%{yyyy.MM.dd}', '%{yyyy}', 'a_b.c-1', 'größe']) {
    it(`takes the index ${index}`, () => {
      expect(elasticsearchSink({ url, index }).options.index).to.equal(index)
    })
  }
  for (const index of ['', 'Logs', '-a', '_a', '+a', '.', '..', 'a b', 'a,b', 'a*', 'a%{MMM}x{', 'a'.repeat(256), 'a-%{YYYY}']) {
    it(`refuses the index '${index.slice(0, 20)}'`, () => {
      expect(() => elasticsearchSink({ url, index })).to.throw(/elasticsearchSink.*index/s)
    })
  }

  it('refuses other layouts, a query, and unknown options', () => {
    expect(() => elasticsearchSink({ url, layout: 'pretty' as never })).to.throw(/layout/)
    expect(() => elasticsearchSink({ url: `${url}/?a=1` })).to.throw(/must have no query/)
    expect(() => elasticsearchSink({ url, type: 'x' } as never)).to.throw(/type/)
  })
})
