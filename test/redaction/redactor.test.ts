import { expect } from 'chai'
import { toJson } from '../../lib/event'
import { compileRedaction, type Redaction } from '../../lib/redaction'

const KEY = 'a key that nobody can guess'

function written(value: unknown, redaction: Redaction = true): unknown {
  return JSON.parse(toJson(value, compileRedaction(redaction)))
}

describe('compileRedaction()', () => {
  describe('keys of the default list', () => {
    const secret = [
      ...['password', 'PASSWORD', 'passwd', 'dbPassword', 'DB_PASSWORD', 'user-password', 'password2', 'pwd', 'passphrase'],
      ...[
        'secret',
        'clientSecret',
        'client_secret',
        'token',
        'access_token',
        'accessToken',
        'X-CSRF-Token',
        'jwt',
        'otp',
        'sessionId',
      ],
      ...['authorization', 'Proxy-Authorization', 'cookie', 'Set-Cookie', 'cookies', 'connect.sid'],
      ...[
        'apiKey',
        'API_KEY',
        'x-api-key',
        'apikey',
        'APIKey',
        'privateKey',
        'secretAccessKey',
        'AWS_SECRET_ACCESS_KEY',
        'signingKey',
      ],
      ...['creditCard', 'credit_card_number', 'cardNumber', 'cvv', 'cvv2', 'CVC', 'securityCode', 'ssn'],
    ]
    for (const key of secret) {
      it(`takes ${key}`, () => {
        expect(written({ [key]: 'x' })).to.deep.equal({ [key]: '[redacted]' })
      })
    }

    const open = [
      ...['tokenCount', 'maxTokens', 'tokenType', 'passwordLength', 'passwordChangedAt', 'cookieName', 'secretary', 'secretName'],
      ...[
        'key',
        'code',
        'author',
        'auth',
        'authorized',
        'accessKeyId',
        'publicKey',
        'cardType',
        'session',
        'keyboard',
        'cvvMatch',
      ],
    ]
    for (const key of open) {
      it(`leaves ${key}`, () => {
        expect(written({ [key]: 'x' })).to.deep.equal({ [key]: 'x' })
      })
    }
  })

  it('takes a secret at any depth, in maps, arrays, errors and what toJSON gives, whatever its type', () => {
    const value = {
      list: [{ token: { deep: 'x' } }],
      map: new Map([['password', ['x']]]),
      made: { toJSON: () => ({ secret: 12345 }) },
      err: Object.assign(new Error('m'), { apiKey: 'x' }),
    }
    const { list, map, made, err } = written(value) as Record<string, Record<string, unknown>>
    expect({ list, map, made }).to.deep.equal({
      list: [{ token: '[redacted]' }],
      map: { password: '[redacted]' },
      made: { secret: '[redacted]' },
    })
    expect(err).to.include({ message: 'm', apiKey: '[redacted]' })
  })

  it('leaves null, true and false under a secret key: they are none', () => {
    expect(written({ password: null, token: false, secret: true })).to.deep.equal({ password: null, token: false, secret: true })
  })

  it('takes keys of its own as a whole, without case and separators, and leaves exceptions', () => {
    const value = { 'Badge-No': 1, badgeNo2: 1, badgeNoX: 1, nextPageToken: 'x', token: 'x' }
    expect(written(value, { keys: ['badgeNo'], except: ['next_page_token'] })).to.deep.equal({
      'Badge-No': '[redacted]',
      badgeNo2: '[redacted]',
      badgeNoX: 1,
      nextPageToken: 'x',
      token: '[redacted]',
    })
  })

  it('writes another text, nothing, or everything', () => {
    const value = { user: 'ann', password: 'x', list: [{ password: 'x' }] }
    expect(written(value, { censor: '***' })).to.deep.equal({ user: 'ann', password: '***', list: [{ password: '***' }] })
    expect(written(value, { mode: 'remove' })).to.deep.equal({ user: 'ann', list: [{}] })
    expect(written(value, { defaults: false })).to.deep.equal(value)
    expect(written({ password: 'x', url: 'a://b:c@d' }, false)).to.deep.equal({ password: 'x', url: 'a://b:c@d' })
  })

  it('writes a keyed hash, equal for equal secrets wherever they are, and another one with another key', () => {
    const value = {
      token: 'abc',
      deep: { token: 'abc' },
      other: { token: 'abd' },
      url: '/?token=abc',
      object: { token: { a: 1 } },
    }
    const { token, deep, other, url, object } = written(value, { hashKey: KEY }) as Record<string, Record<string, string>>
    // `openssl dgst -sha256 -hmac` of it
    expect(token).to.equal('hmac:2f5269c0e7f1b41b')
    expect(deep?.['token']).to.equal(token)
    expect(url).to.equal(`/?token=${token}`)
    expect(other?.['token'])
      .to.match(/^hmac:[0-9a-f]{16}$/)
      .and.not.equal(token)
    expect(object?.['token']).to.match(/^hmac:/)
    expect(written(value, { hashKey: `${KEY}!` })).not.to.have.property('token', token)
  })

  it('judges keys and words rightly however many there were before', () => {
    const redactor = compileRedaction()
    for (let i = 0; i < 10_000; i++) {
      expect(toJson({ [`id${i}x`]: i }, redactor)).to.equal(`{"id${i}x":${i}}`)
      expect(redactor.text(`id${i}x: a, token: b`)).to.equal(`id${i}x: a, token: [redacted]`)
    }
    expect(toJson({ token: 1 }, redactor)).to.equal('{"token":"[redacted]"}')
  })

  const wrong: readonly (readonly [string, unknown])[] = [
    ['a mode that needs a key without one', { mode: 'hash' }],
    ['a key that is short', { hashKey: 'short' }],
    ['a path that is none', { paths: ['a..b'] }],
    ['a path that begins with a dot', { paths: ['.a'] }],
    ['a path with an open bracket', { paths: ['a[b'] }],
    ['an empty path', { paths: [''] }],
    ['an option that it does not know', { path: ['a'] }],
  ]
  for (const [what, options] of wrong) {
    it(`refuses ${what}`, () => {
      expect(() => compileRedaction(options as Redaction)).to.throw(/redaction/)
    })
  }
})
