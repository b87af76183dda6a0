import { expect } from 'chai'
import { Baggage, NOBODY, overriddenSeverity, rootOf, TraceContext, TraceRoot } from '../../lib/context'
import { configureTargetedDebug, receiveLevel } from '../../lib/targeted-debug'
import { type Outcome, projectFile, runNode } from '../support'

const { bin } = require('tracelane/package.json') as { bin: { tracelane: string } }
const SECRET = 'spoken softly'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'

const tracelane = (args: readonly string[], secret: string | undefined = SECRET): Promise<Outcome> =>
  runNode([projectFile(bin.tracelane), ...args], { env: { TRACELANE_LEVEL_SECRET: secret || undefined } })

/* The severity that a request of this trace gets by `value`. */
function severityBy(value: string, traceId = TRACE): number {
  const fields = { traceId, spanId: '1'.repeat(16), flags: 3, traceState: '', baggage: Baggage.empty }
  return overriddenSeverity(rootOf(receiveLevel(new TraceContext(fields, new TraceRoot()), value.trim(), false)))
}

describe('tracelane sign-level', () => {
  before(() => configureTargetedDebug({ secret: SECRET }))
  after(() => configureTargetedDebug())

  it('prints a value that services with the same secret believe', async () => {
    const { code, stdout } = await tracelane(['sign-level'])
    expect(code).to.equal(0)
    expect(severityBy(stdout)).to.equal(5)
  })

  it('signs another level, for one trace, for another time', async () => {
    const { stdout } = await tracelane(['sign-level', 'trace', '--trace', TRACE, '--expires', '60'])
    expect(severityBy(stdout)).to.equal(1)
    expect(severityBy(stdout, 'b2'.repeat(16))).to.equal(NOBODY)
    const [, end] = stdout.split('.')
    expect(Number(end) - Date.now() / 1000).to.be.within(50, 61)
  })

  const failures: readonly (readonly [string, readonly string[], string, number, RegExp])[] = [
    ['a missing secret', ['sign-level'], '', 1, /TRACELANE_LEVEL_SECRET must have the secret/],
    ['an unknown level', ['sign-level', 'loud'], SECRET, 2, /there is no level 'loud'/],
    ['two levels', ['sign-level', 'debug', 'info'], SECRET, 2, /takes one level/],
    ['a time that is no number', ['sign-level', '--expires', 'soon'], SECRET, 2, /--expires takes a number/],
    ['a time that is too long', ['sign-level', '--expires', '86401'], SECRET, 1, /from 1 to 86400/],
    ['what is no trace id', ['sign-level', '--trace', 'o-77'], SECRET, 1, /'traceId' must be a trace id/],
  ]
  for (const [what, args, secret, expected, sentence] of failures) {
    it(`says one sentence and exits ${expected} for ${what}`, async () => {
      const { code, stdout, stderr } = await tracelane(args, secret)
      expect([code, stdout]).to.deep.equal([expected, ''])
      expect(stderr).to.match(sentence)
      expect(stderr).to.not.contain(SECRET)
    })
  }
})
