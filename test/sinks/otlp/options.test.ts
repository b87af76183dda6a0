import { expect } from 'chai'
import { type OtlpSinkOptions, otlpSink } from 'tracelane'
import { destinationOf, readSink } from '../../../lib/sinks'

const url = 'http://collector.example:4318'

describe('otlpSink()', () => {
  it('has all defaults, and is frozen data that crosses threads', () => {
    const spec = otlpSink({ url })
    expect(spec.options).to.include({ encoding: 'protobuf', spans: 'logs', ordering: true, gzip: true, maxInFlight: 1 })
    for (const part of [spec, spec.options, spec.options.resource]) expect(part).to.be.frozen
    expect(structuredClone(spec)).to.deep.equal(spec)
    expect(readSink(spec)).to.deep.equal(spec)
    expect(destinationOf(spec)).to.equal(url)
  })

  const wrong: Readonly<Record<string, readonly [Partial<Record<keyof OtlpSinkOptions, unknown>>, RegExp]>> = {
    'no url': [{}, /otlpSink needs.*url|url/],
    'a url with a query': [{ url: `${url}/?a=1` }, /otlpSink: 'url' must have no query/],
    'a url of another protocol': [{ url: 'grpc://x' }, /otlpSink: 'url' must be a whole address/],
    'a resource of objects': [{ url, resource: { a: {} } }, /texts, numbers and booleans/],
    'an unknown encoding': [{ url, encoding: 'xml' }, /encoding/],
    'a header of the sink': [
      { url, headers: { 'Content-Type': 'x' } },
      /must not have 'content-type', which the sink sets itself \(/,
    ],
  }
  for (const [what, [options, message]] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      expect(() => otlpSink(options as never)).to.throw(message)
    })
  }
})
