import { expect } from 'chai'
import { consoleSink, isTracelaneError } from 'tracelane'
import { captureEvent, instance, type LogEvent, type Statement } from '../../lib/event'
import { createLayout, type PatternOptions, patternLayout } from '../../lib/layout'
import { visible } from '../../lib/layout/visible'
import { onlyWhenAsked, projectFile, run } from '../support'
import { patternVectors, written } from './pattern-vectors'

const { event: defaults, vectors } = patternVectors()
const IDS = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }

function eventOf(said: Partial<LogEvent> = {}): LogEvent {
  const statement: Statement = { level: 'info', logger: 'orders.checkout', msg: 'order placed' }
  return { ...captureEvent(undefined, statement), ...said }
}

function textOf(pattern: string, said: Partial<LogEvent> = {}, options: Partial<PatternOptions> = {}): string {
  return patternLayout({ service: 'orders' }, { ...options, pattern }, false)(eventOf(said), 7)
}

function refusalOf(pattern: string, caller = true): string {
  try {
    createLayout({ pattern }, { service: undefined, caller }, { ordering: false, terminal: false })
  } catch (error) {
    expect(isTracelaneError(error) && error.code).to.equal('ERR_TRACELANE_OPTION_INVALID')
    return (error as Error).message
  }
  return 'accepted'
}

describe('patternLayout()', () => {
  describe('writes what logback 1.5 writes', () => {
    for (const vector of vectors) {
      it(`${vector.rule}: ${vector.pattern}`, () => {
        const { text, ours = text.endsWith('\n') ? text : `${text}\n` } = vector
        expect(written(vector, defaults, visible)).to.equal(ours)
      })
    }

    it('by the word of the real logback, for every vector', async function () {
      onlyWhenAsked(this, 'java')
      this.timeout(120_000)
      const { code, stdout, stderr } = await run(process.execPath, [projectFile('test/vectors/logback/patterns.mjs')])
      expect(code, stdout + stderr).to.equal(0)
    })
  })

  it('has words of its own for the trace and the process', () => {
    expect(textOf('%traceId %spanId %seq %service %pid %instance', IDS)).to.equal(
      `${IDS.traceId} ${IDS.spanId} 7 orders ${process.pid} ${instance()}\n`,
    )
    expect(textOf('%hlc', { hlc: '0123456789abcdef' })).to.equal('0123456789abcdef\n')
    expect(textOf('[%traceId] [%X{traceId:-none}] [%X]')).to.equal('[] [none] []\n')
  })

  it('writes fields so that they can be told apart', () => {
    const fields = { a: 1, b: 'x', c: 'two words', d: { e: [1] }, f: 'say "x"', g: 10n, h: undefined, i: '' }
    expect(textOf('%fields', { fields })).to.equal('a=1 b=x c="two words" d={"e":[1]} f="say \\"x\\"" g=10 i=""\n')
  })

  it('finds the ids of the trace in %X, whatever the MDC says', () => {
    expect(textOf('%X{traceId} %X', { ...IDS, mdc: { traceId: 'forged', user: 'ann' } })).to.equal(
      `${IDS.traceId} traceId=${IDS.traceId}, spanId=${IDS.spanId}, user=ann\n`,
    )
  })

  it('reads properties from its options, then from the environment', () => {
    process.env['TRACELANE_TEST_PROPERTY'] = 'of the environment'
    try {
      expect(textOf('%property{TRACELANE_TEST_PROPERTY}')).to.equal('of the environment\n')
      const properties = { TRACELANE_TEST_PROPERTY: 'of the options' }
      expect(textOf('%property{TRACELANE_TEST_PROPERTY}', {}, { properties })).to.equal('of the options\n')
    } finally {
      delete process.env['TRACELANE_TEST_PROPERTY']
    }
  })

  it('shows control characters of every text as escapes, and leaves them with controls: keep', () => {
    const evil = 'a\nb\r\u001b[2J\u2028\u202e'
    const said = {
      msg: evil,
      logger: evil,
      mdc: { k: evil },
      fields: { k: evil },
      err: Object.assign(new Error(evil), { name: evil }),
    }
    const text = textOf('%msg %logger %X %kvp %fields%n%ex{0}', said)
    expect(text.split('\n')).to.have.length(3)
    expect(text).to.contain('a\\nb\\r\\x1b[2J\\u2028\\u202e')
    expect(textOf('%msg', { msg: 'a\nb' }, { controls: 'keep' })).to.equal('a\nb\n')
  })

  it('writes where the call was', () => {
    const origin = { service: undefined, caller: true }
    const layout = patternLayout(origin, { pattern: '%F %C %L %M %caller' }, false)
    const caller = { file: '/app/src/orders.js', line: 7, function: 'Orders.place' }
    const whole = 'orders.js /app/src/orders.js 7 Orders.place Caller+0\t at Orders.place (/app/src/orders.js:7)\n'
    expect(layout(eventOf({ caller }), 1)).to.equal(whole)
    expect(layout(eventOf(), 1)).to.equal('? ? ? ? ?#?:?\n')
  })

  it('takes colours out where they are not wanted', () => {
    expect(textOf('%red(%level) %highlight(%msg)')).to.equal('INFO order placed\n')
  })

  it('takes a time zone for all dates', () => {
    expect(textOf('%d{HH:mm XXX}', { time: 0 }, { timezone: 'Asia/Kolkata' })).to.equal('05:30 +05:30\n')
  })

  it('writes dates in the zone of the process without one', () => {
    const time = Date.UTC(2026, 6, 4, 12)
    const [, hours, minutes] = /(\d\d):(\d\d)/.exec(textOf('%d{HH:mm}', { time })) ?? []
    const local = new Date(time)
    expect([Number(hours), Number(minutes)]).to.deep.equal([local.getHours(), local.getMinutes()])
  })

  const refusals: readonly (readonly [pattern: string, reason: string])[] = [
    ['%levle %msg', 'has an unknown conversion word %levle; did you mean %level?, at column 1'],
    ['ab %(%mgs)', 'has an unknown conversion word %mgs; did you mean %msg?, at column 6'],
    ['%rde(x)', 'has an unknown conversion word %rde; did you mean %red?, at column 1'],
    ['x %marker', 'has %marker, a word of logback that is not here: there are no markers; use a field, at column 3'],
    ['%red', 'has %red without its parentheses: %red(...), at column 1'],
    ['%msg(x)', 'has %msg with parentheses, which it does not take, at column 1'],
    ['100%', "has a '%' without a conversion word (write '\\%' for the character), at column 4"],
    ['%msg)', "has a ')' without its '(' (write '\\)' for the character), at column 5"],
    ['%red(x', "does not close the '(' of %red, at column 1"],
    ['%X{a', "does not close a '{', at column 3"],
    ["%X{'a}", "does not close a ', at column 4"],
    ['a\\q', "knows \\%, \\(, \\), \\{, \\}, \\\\, \\t, \\r, \\n and \\_, but not '\\q', at column 2"],
    ['%5.level', "has a wrong format modifier '5.' (right are -5, 20.30, .-10), at column 1"],
    ['%logger{x}', "wants a length for a logger's name, not 'x', at column 1"],
    ['%ex{all}', "wants 'full', 'short' or a number of frames for a stack, not 'all', at column 1"],
    ['%property', 'has a %property without its key: %property{key}, at column 1'],
    ['%replace(x){y}', 'has a %replace without its two options: %replace(...){regex, replacement}, at column 1'],
    [
      '%d{HH:mm:ss,SSS}',
      "has a %d whose date pattern names a time zone 'SSS' that Node does not know (put quotes around a pattern with a comma), at column 1",
    ],
    ['%d{HH, UTC, no_such}', "has a %d whose date pattern names a locale 'no_such' that is no language tag, at column 1"],
    ['%d{bbb}', "has a %d whose date pattern has 'bbb', which is not among yyyy yy MM"],
    ['%d{YYYY}', "for the year of the calendar write 'yyyy', at column 1"],
    ['%d{"HH \'x"}', "has a %d whose date pattern has a ' that is not part of a text in quotes, at column 1"],
  ]
  for (const [pattern, reason] of refusals) {
    it(`refuses ${pattern}`, () => {
      expect(refusalOf(pattern)).to.contain(`the layout's pattern `).and.to.contain(reason)
    })
  }

  it('refuses a wrong regular expression', () => {
    expect(refusalOf("%replace(%msg){'(', x}")).to.contain('has a %replace with a wrong regular expression')
  })

  for (const word of ['C', 'class', 'M', 'method', 'L', 'line', 'F', 'file', 'caller']) {
    it(`refuses %${word} without caller data, and says what they cost`, () => {
      expect(refusalOf(`%msg %${word}`, false)).to.contain(
        `has %${word}, which needs caller data; they cost about 5 us for each line: configure them with 'caller: true', at column 6`,
      )
      expect(refusalOf(`%msg %${word}`)).to.equal('accepted')
    })
  }

  it('is judged when the sink is described, on the stack of whoever describes it', () => {
    expect(() => consoleSink({ layout: { pattern: '%levle' } })).to.throw(/did you mean %level/)
  })
})
