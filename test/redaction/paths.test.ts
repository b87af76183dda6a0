import { expect } from 'chai'
import { errorToJson, fieldToJson } from '../../lib/event'
import { compileRedaction } from '../../lib/redaction'

/* The fields of a line as a layout writes them. */
function fields(value: Readonly<Record<string, unknown>>, ...paths: string[]): unknown {
  const redactor = compileRedaction({ paths, defaults: false, censor: '#' })
  const written = Object.entries(value).map(([key, field]) => [key, JSON.parse(fieldToJson(key, field, redactor) ?? 'null')])
  return Object.fromEntries(written)
}

describe('paths of redaction', () => {
  const table: readonly (readonly [path: string, value: Record<string, unknown>, expected: unknown])[] = [
    ['a', { a: 1, b: { a: 1 } }, { a: '#', b: { a: 1 } }],
    ['user.card.number', { user: { card: { number: 1, type: 'v' } } }, { user: { card: { number: '#', type: 'v' } } }],
    ['items[*].x', { items: [{ x: 1, y: 2 }, { x: 3 }] }, { items: [{ x: '#', y: 2 }, { x: '#' }] }],
    ['items.*.x', { items: [{ x: 1 }] }, { items: [{ x: '#' }] }],
    ['items[1]', { items: [1, 2, 3] }, { items: [1, '#', 3] }],
    ['*.x', { a: { x: 1 }, b: { x: 2, y: { x: 3 } } }, { a: { x: '#' }, b: { x: '#', y: { x: 3 } } }],
    ['a.*', { a: { x: 1, y: { z: 2 } } }, { a: { x: '#', y: '#' } }],
    ['h["x-key"]', { h: { 'x-key': 1 } }, { h: { 'x-key': '#' } }],
    ["h['a.b'].c", { h: { 'a.b': { c: 1 }, a: { b: { c: 2 } } } }, { h: { 'a.b': { c: '#' }, a: { b: { c: 2 } } } }],
    ['["a b"].c', { 'a b': { c: 1 } }, { 'a b': { c: '#' } }],
    ['m.k', { m: new Map([['k', 1]]) }, { m: { k: '#' } }],
  ]
  for (const [path, value, expected] of table) {
    it(`${path} takes what it names and nothing else`, () => {
      expect(fields(value, path)).to.deep.equal(expected)
    })
  }

  it('lets a key follow both its own path and that of *', () => {
    const value = { a: { b: { x: 1, y: 2, z: 3 } }, c: { b: { x: 1, y: 2 } } }
    expect(fields(value, 'a.b.x', '*.b.y')).to.deep.equal({ a: { b: { x: '#', y: '#', z: 3 } }, c: { b: { x: 1, y: '#' } } })
  })

  it('leaves the others in their place when an item is removed', () => {
    const redactor = compileRedaction({ paths: ['a[0]'], mode: 'remove' })
    expect(fieldToJson('a', [1, 2], redactor)).to.equal('[null,2]')
    expect(fieldToJson('b', undefined, redactor)).to.equal(undefined)
  })

  it('lead into the error and its causes', () => {
    const redactor = compileRedaction({ paths: ['err.config.body', 'err.cause.code'], censor: '#' })
    const cause = Object.assign(new Error('c'), { code: 1, body: 1 })
    const error = Object.assign(new Error('e', { cause }), { config: { body: 1, url: 2 }, code: 3 })
    const { config, code, cause: written } = JSON.parse(errorToJson(error, redactor)) as Record<string, unknown>
    expect({ config, code }).to.deep.equal({ config: { body: '#', url: 2 }, code: 3 })
    expect(written).to.include({ code: '#', body: 1 })
  })
})
