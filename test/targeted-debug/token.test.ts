import { createHmac } from 'node:crypto'
import { expect } from 'chai'
import { signLevel } from 'tracelane'
import { Baggage, NOBODY, overriddenSeverity, TraceContext, TraceRoot } from '../../lib/context'
import { counters } from '../../lib/diagnostics'
import { configureTargetedDebug, levelValue, receiveLevel } from '../../lib/targeted-debug'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const OTHER = '5bf92f3577b34da6a3ce929d0e0e4736'
const SECRET = 'spoken softly'
const DEBUG = 5

function contextOf(traceId = TRACE, baggage = Baggage.empty): TraceContext {
  return new TraceContext({ traceId, spanId: '1'.repeat(16), flags: 3, traceState: '', baggage }, new TraceRoot())
}

/* The severity that a request of TRACE with this value gets; NOBODY: its loggers' own. */
function received(value: string | readonly string[] | undefined, trusted = false, context = contextOf()): number {
  return overriddenSeverity(rootIn(receiveLevel(context, value, trusted)))
}

function rootIn(context: TraceContext): TraceRoot {
  return context[Symbol.for('tracelane.root') as never]
}

/* A value made by hand, as the page says it. */
function byHand(said: string, secret = SECRET): string {
  return `${said}.${createHmac('sha256', secret).update(`tracelane-level.${said}`).digest('base64url')}`
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds

describe('tracelane-level', () => {
  beforeEach(() => {
    configureTargetedDebug({ secret: [SECRET, 'the one before'] })
  })

  afterEach(() => {
    configureTargetedDebug()
  })

  it('is believed when it is signed with one of the secrets', () => {
    expect(received(signLevel({ secret: SECRET }))).to.equal(DEBUG)
    expect(received(signLevel({ secret: 'the one before', level: 'trace' }))).to.equal(1)
    expect(received(signLevel({ secret: SECRET, traceId: TRACE }))).to.equal(DEBUG)
    expect(received(byHand(`debug.${inSeconds(60)}.all`))).to.equal(DEBUG)
  })

  const wrong: readonly (readonly [string, () => string | readonly string[]])[] = [
    ['signed with another secret', () => signLevel({ secret: 'guessed' })],
    ['signed for another trace', () => signLevel({ secret: SECRET, traceId: OTHER })],
    ['expired', () => byHand(`debug.${inSeconds(-1)}.all`)],
    ['to last longer than a day', () => byHand(`debug.${inSeconds(86_500)}.all`)],
    ['changed after it was signed: its level', () => signLevel({ secret: SECRET }).replace('debug', 'trace')],
    [
      'changed after it was signed: its end',
      () => signLevel({ secret: SECRET }).replace(/\.(\d+)\./, (_, end) => `.${Number(end) + 60}.`),
    ],
    ['changed after it was signed: its trace', () => signLevel({ secret: SECRET, traceId: OTHER }).replace(OTHER, TRACE)],
    ['without its signature', () => signLevel({ secret: SECRET }).replace(/\.[^.]+$/, '')],
    ['with an empty signature', () => signLevel({ secret: SECRET }).replace(/[^.]+$/, '')],
    ['unsigned', () => 'debug'],
    ['unsigned with an end', () => `debug.${inSeconds(60)}`],
    ['no level', () => byHand(`loud.${inSeconds(60)}.all`)],
    ['off', () => byHand(`off.${inSeconds(60)}.all`)],
    ['empty', () => ''],
    ['too long', () => 'd'.repeat(10_000)],
    ['sent twice', () => [signLevel({ secret: SECRET }), signLevel({ secret: SECRET })]],
  ]
  for (const [what, make] of wrong) {
    it(`is ignored and counted when it is ${what}`, () => {
      const { levelsRejected, levelsAccepted } = counters
      expect(received(make())).to.equal(NOBODY)
      expect([counters.levelsRejected - levelsRejected, counters.levelsAccepted - levelsAccepted]).to.deep.equal([1, 0])
    })
  }

  it('may be unsigned from a trusted peer, yet not expired or forged', () => {
    expect(received('debug', true)).to.equal(DEBUG)
    expect(received(`debug.${inSeconds(60)}`, true)).to.equal(DEBUG)
    expect(received(`debug.${inSeconds(-1)}`, true)).to.equal(NOBODY)
    expect(received(signLevel({ secret: 'guessed' }), true)).to.equal(NOBODY)
  })

  it('holds until its end', () => {
    const context = contextOf()
    receiveLevel(context, signLevel({ secret: SECRET, expiresInSeconds: 60 }), false)
    const { levelOverride } = rootIn(context)
    expect(levelOverride?.until).to.be.within(Date.now() + 58_000, Date.now() + 61_000)
    rootIn(context).levelOverride = { severity: DEBUG, until: Date.now() - 1 }
    expect(overriddenSeverity(rootIn(context))).to.equal(NOBODY)
    expect(levelValue(context)).to.equal(undefined)
  })

  it('is handed on signed for this one trace, with the same end', () => {
    const context = contextOf()
    const given = signLevel({ secret: SECRET })
    receiveLevel(context, given, false)
    const told = levelValue(context) as string
    expect(told.split('.').slice(0, 3)).to.deep.equal(['debug', given.split('.')[1], TRACE])
    expect(received(told)).to.equal(DEBUG)
    expect(received(told, false, contextOf(OTHER))).to.equal(NOBODY)
  })

  it('is handed on unsigned without a secret', () => {
    configureTargetedDebug({})
    const context = contextOf()
    receiveLevel(context, 'debug', true)
    expect(levelValue(context)).to.match(/^debug\.\d+$/)
  })

  it('may be a member of the baggage, which then holds for this one trace', () => {
    const baggage = Baggage.empty.with('tracelane-level', signLevel({ secret: SECRET })).with('k', 'v')
    const context = receiveLevel(contextOf(TRACE, baggage), undefined, false)
    expect(overriddenSeverity(rootIn(context))).to.equal(DEBUG)
    expect(context.baggage.get('k')).to.equal('v')
    expect(context.baggage.get('tracelane-level')).to.match(new RegExp(`^debug\\.\\d+\\.${TRACE}\\.`))
  })
})

describe('signLevel()', () => {
  it('says level, end and trace, and a signature', () => {
    expect(signLevel({ secret: SECRET, level: 'trace', expiresInSeconds: 60, traceId: TRACE })).to.match(
      new RegExp(`^trace\\.\\d{10}\\.${TRACE}\\.[A-Za-z0-9_-]{43}$`),
    )
    expect(signLevel({ secret: SECRET })).to.match(/^debug\.\d{10}\.all\.[A-Za-z0-9_-]{43}$/)
  })

  it('refuses wrong options, and never shows the secret', () => {
    const sign = (options: object) => () => signLevel(options as { secret: string })
    expect(sign({})).to.throw(/signLevel needs 'secret'/)
    expect(sign({ secret: '' })).to.throw(/'secret' must be a text/)
    expect(sign({ secret: SECRET, level: 'off' })).to.throw(/'level' must be one of 'trace'/)
    expect(sign({ secret: SECRET, expiresInSeconds: 86_401 })).to.throw(/'expiresInSeconds' must be an integer from 1 to 86400/)
    expect(sign({ secret: SECRET, traceId: TRACE.toUpperCase() })).to.throw(/'traceId' must be a trace id/)
    expect(sign({ secret: SECRET, traceId: 1 }))
      .to.throw()
      .and.not.match(new RegExp(SECRET))
  })
})
