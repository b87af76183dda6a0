import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import fc from 'fast-check'
import { errorToJson, isPlain, numberToJson, quote, textToJson, toJson } from '../../lib/event'
import { compileRedaction, noRedaction } from '../../lib/redaction'

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/* Objects that all refer to each other: the paths through them are more than any machine can write. */
function crowd(): unknown[] {
  const people: Record<string, unknown>[] = Array.from({ length: 30 }, (_, i) => ({ i, story: 'once upon a time '.repeat(100) }))
  for (const one of people) one['friends'] = new Map(people.map((friend) => [friend['i'], friend]))
  for (const one of people) one['enemies'] = new Set(people)
  return people
}

describe('toJson()', () => {
  it('stops after 100,000 values, wherever they are, so that any value takes bounded time', () => {
    for (const large of [
      crowd(),
      { people: crowd() },
      new Array(2 ** 31),
      new Map(Array.from({ length: 200_000 }, (_, i) => [i, i])),
    ]) {
      const text = toJson(large)
      expect(() => JSON.parse(text)).not.to.throw()
      expect(text.includes('[too large]')).to.equal(true)
      expect(text.length).to.be.below(30_000_000)
    }
  })

  const cycle: Record<string, unknown> = { a: 1 }
  cycle['self'] = cycle
  const table: readonly (readonly [string, unknown, unknown])[] = [
    ['a BigInt as a string', 10n ** 20n, '100000000000000000000'],
    [
      'a Map as an object',
      new Map<unknown, unknown>([
        ['a', 1],
        [2, new Map()],
      ]),
      { a: 1, 2: {} },
    ],
    ['a Set as an array', new Set([1, 'b']), [1, 'b']],
    ['a Date as ISO 8601', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['an invalid Date as null', new Date(Number.NaN), null],
    ['bytes as base64', Buffer.from('abc'), 'YWJj'],
    ['NaN and infinities as strings', [Number.NaN, -Infinity], ['NaN', '-Infinity']],
    ['a cycle as a note', cycle, { a: 1, self: '[cycle]' }],
    ['the same object twice, which is no cycle', [Object.freeze({ x: 1 }), 0].map((_, __, all) => all[0]), [{ x: 1 }, { x: 1 }]],
    ['undefined, functions and symbols inside arrays as notes', [undefined, Symbol('s')], ['[undefined]', '[symbol]']],
    ['a hole in a sparse array as undefined', new Array(2), ['[undefined]', '[undefined]']],
    [
      'a toJSON that returns itself as a cycle',
      {
        toJSON() {
          return this
        },
      },
      '[cycle]',
    ],
    ['a revoked proxy as a note', revoked(), "[threw: Cannot perform 'IsArray' on a proxy that has been revoked]"],
    ['an undefined property not at all', { a: undefined, b: 1 }, { b: 1 }],
    ['a lone surrogate as an escape', '\ud800', '\ud800'],
  ]
  for (const [what, value, expected] of table) {
    it(`writes ${what}`, () => {
      expect(JSON.parse(toJson(value))).to.deep.equal(expected)
    })
  }

  it('replaces a getter, a toJSON and a proxy that throw by a note, and keeps the rest', () => {
    const hostile = {
      get bad(): never {
        throw new Error('no')
      },
      worse: {
        toJSON(): never {
          throw new Error('never')
        },
      },
      worst: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('trap')
          },
        },
      ),
      good: 1,
    }
    expect(JSON.parse(toJson(hostile))).to.deep.equal({
      bad: '[getter threw: no]',
      worse: '[threw: never]',
      worst: '[threw: trap]',
      good: 1,
    })
  })

  it('stops at nesting deeper than 16', () => {
    let deep: unknown = 'bottom'
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(toJson(deep)).to.contain('[too deep]')
  })

  it('writes one line of valid JSON without control characters for any value, and the same one twice', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
        (value) => {
          const text = toJson(value)
          JSON.parse(text)
          expect(text).not.to.match(CONTROL)
          expect(toJson(value)).to.equal(text)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('writes what JSON.parse gave exactly as it was', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value))
        expect(JSON.parse(toJson(plain))).to.deep.equal(plain)
      }),
    )
  })
})

describe('quote()', () => {
  it('gives back any text through JSON.parse, and writes no control character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(JSON.parse(quote(text))).to.equal(text)
        expect(quote(text)).not.to.match(CONTROL)
      }),
    )
  })
})

describe('textToJson()', () => {
  it('writes what quote() writes, for any text in which there is no secret', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(textToJson(text, noRedaction)).to.equal(quote(text))
      }),
    )
  })

  it('calls no text plain from which a secret would be taken', () => {
    const redactor = compileRedaction()
    const part = fc.constantFrom(
      'token',
      '=',
      ':',
      '"',
      ' ',
      'x1',
      'Bearer',
      'basic',
      '://',
      '@',
      '?',
      '&',
      'sig',
      "'",
      '{',
      'BEARER',
      'a',
      'r',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        if (isPlain(text)) expect(redactor.text(text)).to.equal(text)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('numberToJson()', () => {
  it('writes every number as String does', () => {
    const cents = fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((n) => n / 100)
    fc.assert(
      fc.property(fc.oneof(cents, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()), (value) => {
        expect(numberToJson(value)).to.equal(String(value))
      }),
      { numRuns: 5000 },
    )
    for (const value of [0, -0, 0.01, 0.1, 0.29, 0.005, 1.005, 99.99, 1e21, 1e-7, 10737418.24, 10737418.25, 5e-324]) {
      expect(numberToJson(value)).to.equal(String(value))
    }
  })
})

describe('errorToJson()', () => {
  it('replaces a proxy that throws by a note', () => {
    expect(errorToJson(revoked())).to.match(/^"\[threw: .*revoked\]"$/)
  })

  it('keeps type, message, stack, own fields and the chain of causes', () => {
    const cause = new TypeError('inner')
    const error = Object.assign(new Error('outer', { cause }), { code: 'E_CODE' })
    const written = JSON.parse(errorToJson(error)) as Record<string, unknown>
    expect(written).to.deep.include({ type: 'Error', message: 'outer', code: 'E_CODE' })
    expect(written['stack']).to.equal(error.stack)
    expect(written['cause']).to.deep.include({ type: 'TypeError', message: 'inner' })
  })

  it('keeps the errors of an AggregateError, and ends a cycle of causes', () => {
    const one = new Error('one')
    one.cause = one
    const written = JSON.parse(errorToJson(new AggregateError([one], 'many'))) as { errors: { cause: string }[] }
    expect(written.errors[0]?.cause).to.equal('[cycle]')
  })

  it('knows errors of another realm', () => {
    expect(JSON.parse(errorToJson(runInNewContext('new RangeError("far")')))).to.include({ type: 'RangeError', message: 'far' })
  })
})
