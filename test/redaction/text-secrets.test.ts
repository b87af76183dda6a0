import { expect } from 'chai'
import fc from 'fast-check'
import { compileRedaction } from '../../lib/redaction'

const redactor = compileRedaction({ censor: '#' })

describe('Redactor', () => {
  describe('text()', () => {
    const table: readonly (readonly [text: string, clean: string])[] = [
      ['https://a.b/c?token=x1&page=2', 'https://a.b/c?token=#&page=2'],
      ['/c?page=2&sig=x%2F1#top', '/c?page=2&sig=#'],
      ['/c?X-Amz-Signature=ab12&X-Amz-Date=3', '/c?X-Amz-Signature=#&X-Amz-Date=3'],
      ['/login#access_token=x&state=y', '/login#access_token=#&state=y'],
      ['/back?code=x1', '/back?code=#'],
      ['exit code=1', 'exit code=1'],
      ['redis://:x@host:6379/0', 'redis://#@host:6379/0'],
      ['https://user:x@y@host/p@th', 'https://#@host/p@th'],
      ['see https://host/a@b', 'see https://host/a@b'],
      ['mail ann@example.org', 'mail ann@example.org'],
      ['password=x y', 'password=# y'],
      ['password = x, y', 'password = #, y'],
      ['dbPassword: x', 'dbPassword: #'],
      ['Server=s;Pwd=x;Timeout=3', 'Server=s;Pwd=#;Timeout=3'],
      ['{"token":"x y","n":1}', '{"token":"#","n":1}'],
      ['{"token": "a\\"b", "n": 1}', '{"token": "#", "n": 1}'],
      ['"{\\"token\\":\\"x\\"}"', '"{\\"token\\":\\"#\\"}"'],
      ["{ token: 'x y' }", "{ token: '#' }"],
      ["Map(1) { 'token' => 'x y' }", "Map(1) { 'token' => '#' }"],
      ['Authorization: Bearer abc.def', 'Authorization: #'],
      ['Cookie: a=1; b=2\nHost: c', 'Cookie: #\nHost: c'],
      ['sent Bearer abc.def to it', 'sent Bearer # to it'],
      ['sent basic dXNlcjpw', 'sent basic #'],
      ['basic authentication failed', 'basic authentication failed'],
      ['bearer of news', 'bearer of news'],
      ['at 12:30:45 in file.js:3:7', 'at 12:30:45 in file.js:3:7'],
      ['tokenCount=3 tokens: 4', 'tokenCount=3 tokens: 4'],
      ['token=', 'token='],
      ['=: :// = "', '=: :// = "'],
      ['token=[redacted]', 'token=[redacted]'],
    ]
    for (const [text, clean] of table) {
      it(`makes ${JSON.stringify(clean)} of ${JSON.stringify(text)}`, () => {
        expect(redactor.text(text)).to.equal(clean)
      })
    }

    it('leaves nothing of a secret, whatever stands around it', () => {
      const around = fc.string({ unit: 'grapheme-ascii' })
      const secret = fc.stringMatching(/^[a-zA-Z0-9]{12,20}$/)
      fc.assert(
        fc.property(around, around, secret, (before, after, value) => {
          fc.pre(!before.includes(value) && !after.includes(value) && !/["'`\\]/.test(before))
          for (const text of [
            `${before} password=${value} ${after}`,
            `${before}\n"token": "${value}" ${after}`,
            `${before} a://u:${value}@h ${after}`,
          ])
            expect(redactor.text(text)).not.to.contain(value)
        }),
      )
    })

    it('reads a text of a million characters that look like secrets in less than five seconds', function () {
      this.timeout(5000)
      for (const part of ['token=', '://', 'a://@', 'token="', "token='\\", 'bearer ', ':', 'a', 'token:"x', '&sig=']) {
        redactor.text(part.repeat(Math.floor(1_000_000 / part.length)))
      }
    })

    it('leaves texts alone on request', () => {
      expect(compileRedaction({ texts: false }).text('password=x')).to.equal('password=x')
    })
  })
})
