import { format } from 'node:util'
import { expect } from 'chai'
import { pino } from 'pino'
import { close, configure, getLogger } from 'tracelane'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'

type Call = [string, ...unknown[]]

/* What pino, console and we make the same of. */
const BOTH: readonly Call[] = [
  ['%s', 'x'],
  ['%s %s', 'x'],
  ['%s is %d years', 'ann', 42],
  ['%d', '42'],
  ['%d', 'x'],
  ['%d', {}],
  ['%i', 3.7],
  ['%i', '3.7'],
  ['%f', '1.50'],
  ['%j', { a: 1 }],
  ['%s', null],
  ['%s', undefined],
  ['%s', Symbol('x')],
  ['%s', () => 1],
  ['100%% of %s', 'x'],
  ['%s%%', 50],
  // A message without arguments is never interpreted
  ['%'],
  ['%s'],
  ['%%'],
  ['100%% of %s'],
]

/* Where those two differ, it is console that we follow: nothing that was given is lost. */
const CONSOLE: readonly Call[] = [
  ['m', 'x'],
  ['m', 1, 2],
  ['m', [1, 'x']],
  ['m', null],
  ['m', new Map([[1, 2]])],
  ['%s', 'a', 'b'],
  ['%x', 1],
  ['100%', 'x'],
  ['100%%', 'x'],
  ['%%s', 'x'],
  ['%c red', 'color: red'],
  ['%o', { a: 1 }],
  ['%O', { a: [1] }],
  ['%s', { a: 1 }],
  ['%s', 1n],
  ['%d', 1n],
  ['%d', -0],
  ['%j', 'q"'],
  ['%s', new Date(0)],
]

/* pino drops what no placeholder consumes; of a plain object and an Error we make what pino makes of them before the message. */
const OURS: readonly (readonly [args: Call, msg: string, fields: unknown])[] = [
  [['%s', 'a', { b: 1 }], 'a', { b: 1 }],
  [['100%% done', { b: 1 }], '100% done', { b: 1 }],
  [['m', { b: 1 }, { c: 1 }], 'm { c: 1 }', { b: 1 }],
  [['m', { b: 1 }, 'x'], 'm x', { b: 1 }],
]

describe('the arguments of a log call', () => {
  let captured: CapturedEvents

  beforeEach(() => {
    void configure({ thread: false })
    captured = captureEvents()
  })

  afterEach(async () => {
    captured.restore()
    await close()
  })

  function said(args: Call): { msg: string; fields: unknown; err: unknown } {
    getLogger('said').info(...args)
    const { msg, fields, err } = captured.events.at(-1) as (typeof captured.events)[number]
    return { msg, fields, err }
  }

  function saidByPino(args: Call): unknown {
    let line = ''
    const log = pino({ base: null }, { write: (text: string) => (line = text) })
    ;(log.info as (...all: unknown[]) => void)(...args)
    return (JSON.parse(line) as { msg: unknown }).msg
  }

  for (const args of BOTH) {
    it(`${format('%o', args)} are the message of pino and of console`, () => {
      expect(said(args)).to.deep.equal({ msg: format(...args), fields: undefined, err: undefined })
      expect(saidByPino(args)).to.equal(format(...args))
    })
  }

  for (const args of CONSOLE) {
    it(`${format('%o', args)} are the message of console, where pino differs`, () => {
      expect(said(args)).to.deep.equal({ msg: format(...args), fields: undefined, err: undefined })
      expect(saidByPino(args)).to.not.equal(format(...args))
    })
  }

  for (const [args, msg, fields] of OURS) {
    it(`${format('%o', args)} are message and fields`, () => {
      expect(said(args)).to.deep.equal({ msg, fields, err: undefined })
    })
  }

  it('that come before a message alone leave it as it is', () => {
    const [error, message] = [new Error('boom'), '100%% of %s']
    getLogger('said').info({ a: 1 }, message)
    getLogger('said').error(error, message)
    expect(captured.events.map(({ msg }) => msg)).to.deep.equal([message, message])
  })

  it('with an Error behind those that placeholders consume have it as err', () => {
    const error = new Error('boom')
    expect(said(['%s failed', 'it', error])).to.deep.equal({ msg: 'it failed', fields: undefined, err: error })
    expect(said(['failed', { a: 1 }, error])).to.deep.equal({ msg: 'failed', fields: { a: 1 }, err: error })
  })
})
