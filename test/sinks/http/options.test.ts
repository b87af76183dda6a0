import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { type HttpSinkOptions, httpSink } from 'tracelane'
import { destinationOf, readSink } from '../../../lib/sinks'
import { projectFile } from '../../support'

const url = 'https://ann:s3cret@logs.example:8443/token-in-path?key=k3y'
const pem = (name: string): Buffer => readFileSync(projectFile(`test/fixtures/tls/${name}.pem`))

describe('httpSink()', () => {
  it('has all defaults, and is frozen data that crosses threads', () => {
    const spec = httpSink({ url: 'http://logs.example' })
    expect(spec).to.deep.equal({
      kind: 'http',
      options: {
        url: 'http://logs.example',
        headers: {},
        method: 'POST',
        connectTimeoutMs: 5_000,
        timeoutMs: 10_000,
        gzip: true,
        contentType: 'application/x-ndjson',
        maxResponseBytes: 65_536,
        maxBatchEvents: 10_000,
        maxBatchBytes: 2 ** 20,
        lingerMs: 0,
        maxInFlight: 1,
        mode: 'acknowledged',
        acquireTimeoutMs: 5_000,
        tls: {},
        ordering: true,
        layout: 'json',
      },
    })
    for (const part of [spec, spec.options, spec.options.headers, spec.options.tls]) expect(part).to.be.frozen
    expect(structuredClone(spec)).to.deep.equal(spec)
  })

  it('is not changed by what becomes of the objects that were given', () => {
    const headers = { 'x-team': 'a' }
    const spec = httpSink({ url, headers })
    headers['x-team'] = 'b'
    expect(spec.options.headers).to.deep.equal({ 'x-team': 'a' })
  })

  it('makes a JSON array of lines unless something else is said to stand around them', () => {
    const { body, contentType } = httpSink({ url, body: {} }).options
    expect({ body, contentType }).to.deep.equal({
      body: { start: '[', separator: ',', end: ']' },
      contentType: 'application/json',
    })
    expect(httpSink({ url, body: { end: '' }, contentType: 'text/plain' }).options).to.deep.include({
      body: { start: '[', separator: ',', end: '' },
      contentType: 'text/plain',
    })
  })

  it('takes PEM as texts and as bytes', () => {
    const { tls } = httpSink({ url, tls: { ca: [pem('cert')], cert: pem('cert').toString(), key: pem('key') } }).options
    expect(tls).to.deep.equal({ ca: [pem('cert').toString()], cert: pem('cert').toString(), key: pem('key').toString() })
  })

  it('can be read from a file of options, what has defaults left out, and read again', () => {
    const spec = readSink({ kind: 'http', options: { url } } as never)
    expect(spec).to.deep.equal(httpSink({ url }))
    expect(readSink(httpSink({ url, tls: { ca: pem('cert') }, headers: { a: 'b' } }))).to.have.nested.property(
      'options.headers.a',
      'b',
    )
  })

  it('is named by host and port, and by nothing that may be secret', () => {
    const name = destinationOf(httpSink({ url }))
    expect(name).to.match(/^https:\/\/logs\.example:8443 \(path [0-9a-f]{8}\)$/)
    expect(destinationOf(httpSink({ url: url.replace('k3y', 'k4y') }))).not.to.equal(name)
    expect(destinationOf(httpSink({ url: 'http://ann:s3cret@logs.example' }))).to.equal('http://logs.example')
  })

  const refused: Readonly<Record<string, readonly [options: unknown, cure: RegExp]>> = {
    'no options': [undefined, /httpSink takes an object of options/],
    'no url': [{}, /needs 'url'/],
    'a url that is none': [{ url: 'logs.s3cret.example' }, /'url' must be a whole address that begins with http/],
    'another protocol': [{ url: 'ftp://s3cret.example' }, /begins with http/],
    'a user beside a header': [{ url, headers: { Authorization: 'Bearer s3cret' } }, /give one of them/],
    'a password with a wrong percent': [{ url: 'http://a:s3cret%ff@logs.example' }, /percent-encoded/],
    'an unknown key': [{ url, timeout: 3 }, /did you mean 'timeoutMs'/],
    'an unknown key of tls': [{ url, tls: { certificate: 's3cret' } }, /httpSink: tls does not know 'certificate'/],
    'a header that is no text': [{ url, headers: { a: 1 } }, /an object of texts/],
    'a line break in a header': [{ url, headers: { a: 's3cret\r\nb: c' } }, /'a' has a character that cannot stand in a header/],
    'a tab in a header': [{ url, headers: { a: 's3cret\t' } }, /'a' has a character/],
    'a letter that is not Latin in a header': [{ url, headers: { a: 's3cret\u4e2d' } }, /'a' has a character/],
    'a name that is none': [{ url, headers: { 's3cret:': 'x' } }, /a name that no header can have/],
    'a header twice': [{ url, headers: { 'X-A': '1', 'x-a': '2' } }, /'x-a' twice/],
    'a header of the sink': [{ url, headers: { 'Tracelane-Batch': '1' } }, /must not have 'tracelane-batch'/],
    'a content type as header': [{ url, headers: { 'content-type': 'a/b' } }, /use 'contentType'/],
    'a content type with a line break': [{ url, contentType: 'a\nb' }, /'contentType' must be/],
    'another method': [{ url, method: 'GET' }, /one of 'POST', 'PUT', 'PATCH'/],
    'no time at all': [{ url, timeoutMs: 0 }, /an integer from 1 to 600000/],
    'a certificate that is none': [{ url, tls: { cert: 's3cret', key: 's3cret' } }, /'tls' cannot be used \(ERR_/],
    'a key of no text': [{ url, tls: { key: 3 } }, /'key' must be a PEM text/],
    'a layout that is none': [{ url, layout: 'xml' }, /layout/],
  }
  for (const [what, [options, cure]] of Object.entries(refused)) {
    it(`refuses ${what}, and shows nothing secret`, () => {
      let message = ''
      try {
        httpSink(options as HttpSinkOptions)
      } catch (error) {
        message = (error as Error).message
      }
      expect(message).to.match(cure)
      expect(message).to.match(/ERR_TRACELANE_OPTION_/)
      expect(message).not.to.match(/s3cret|k3y|token-in-path/)
    })
  }
})
