import { expect } from 'chai'
import fc from 'fast-check'
import { redactLine, toJson } from '../../lib/event'
import { compileRedaction, type Redaction } from '../../lib/redaction'

const redact = (line: string, redaction: Redaction = { censor: '#' }): string => redactLine(line, compileRedaction(redaction))

describe('redactLine()', () => {
  const table: readonly (readonly [what: string, line: string, clean: string, redaction?: Redaction])[] = [
    ['leaves a line without secrets as it is', '{"a":1,"b":"c d"}\n', '{"a":1,"b":"c d"}\n'],
    ['knows JSON with spaces', '{ "token" :1, "a":2}', '{"token":"#","a":2}'],
    ['takes the value of a secret key', '{"time":1,"password":"x","n":2}\n', '{"time":1,"password":"#","n":2}\n'],
    ['takes objects, lists and numbers too', '{"token":{"a":[1]},"b":{"cvv":123}}', '{"token":"#","b":{"cvv":"#"}}'],
    ['knows a key that is escaped', '{"pass\\u0077ord":"x","password":1}', '{"pass\\u0077ord":"#","password":"#"}'],
    ['knows a key that is escaped, where nothing else is secret', '{"pass\\u0077ord":"x"}', '{"pass\\u0077ord":"#"}'],
    ['knows a key with a line break', '{"password\\n":"x"}', '{"password\\n":"#"}'],
    ['knows JSON with spaces, where texts are not read', '{"token" : 1}', '{"token":"#"}', { texts: false, censor: '#' }],
    [
      'knows where a text ends',
      '{"a":"\\\\","token":["x"],"b":"\\\\\\"=","pwd":1}',
      '{"a":"\\\\","token":"#","b":"\\\\\\"=","pwd":"#"}',
    ],
    ['leaves null, true and false', '{"token":null,"secret":true}', '{"token":null,"secret":true}'],
    ['reads texts', '{"url":"/?token=x","msg":"Bearer a.b"}', '{"url":"/?token=#","msg":"Bearer #"}'],
    ['reads texts without a space behind the colon', '{"a":"token:x","b":"cvv2:1"}', '{"a":"token:#","b":"cvv2:#"}'],
    ['reads JSON inside a text', '{"body":"{\\"token\\":\\"x\\"}"}', '{"body":"{\\"token\\":\\"#\\"}"}'],
    [
      'keeps large numbers, spaces in texts and escapes',
      '{"n":12345678901234567890,"t":"\\u00e4  ","pwd":1}',
      '{"n":12345678901234567890,"t":"\\u00e4  ","pwd":"#"}',
    ],
    ['follows paths', '{"a":[{"b":1,"c":2}]}', '{"a":[{"b":"#","c":2}]}', { paths: ['a[*].b'], censor: '#' }],
    ['removes', '{"token":1,"a":2,"list":[{"token":1}]}', '{"a":2,"list":[{}]}', { mode: 'remove' }],
    ['reads what is no JSON as a text', 'INFO login password=x', 'INFO login password=#'],
    ['reads broken JSON as a text', '{"token":"x","a":', '{"token":"#","a":'],
    ['does nothing on request', '{"token":"x"}', '{"token":"x"}', false],
  ]
  for (const [what, line, clean, redaction] of table) {
    it(what, () => {
      expect(redact(line, redaction)).to.equal(clean)
    })
  }

  it('writes equal hashes for equal secrets, as our own lines have them', () => {
    const hashed = compileRedaction({ hashKey: 'a key that nobody can guess' })
    expect(redactLine('{"token":"abc"}', hashed)).to.equal(toJson({ token: 'abc' }, hashed))
  })

  it('writes what our own writer writes, for any value', () => {
    const redactor = compileRedaction({ censor: '#', paths: ['a.*.b'] })
    const key = fc.oneof(fc.string(), fc.constantFrom('a', 'b', 'token', 'password', 'msg'))
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: 'small' },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.constantFrom('x?token=y', 'pwd:1', 'at 2026-01-01T10:11:12Z', 'a://b:c@d'),
        tie('list'),
        tie('object'),
      ),
      list: fc.array(tie('any')),
      object: fc.dictionary(key, tie('any')),
    })).object
    fc.assert(
      fc.property(value, (object) => {
        const plain: unknown = JSON.parse(JSON.stringify(object))
        expect(JSON.parse(redactLine(JSON.stringify(plain), redactor))).to.deep.equal(
          JSON.parse(redactLine(toJson(plain, compileRedaction(false)), redactor)),
        )
        const ours = compileRedaction({ censor: '#' })
        expect(JSON.parse(redactLine(JSON.stringify(plain), ours))).to.deep.equal(JSON.parse(toJson(plain, ours)))
      }),
    )
  })

  it('reads a line with a text of 16 MiB', () => {
    const line = `{"a":"x=${'y'.repeat(2 ** 24)}","token":["secret"]}`
    expect(redact(line).slice(-14)).to.equal('","token":"#"}')
  })

  it('reads a line nested a hundred thousand times', () => {
    const line = `{"token":"x","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
    expect(redact(line)).not.to.contain('"x"')
  })
})
