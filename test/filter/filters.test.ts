import { expect } from 'chai'
import type { LogEvent } from '../../lib/event'
import { checkFilters, type FilterSpec, Filters } from '../../lib/filter'
import { event, Notes } from './support'

const T0 = 1_763_683_905_000

function decide(specs: readonly FilterSpec[], said: Partial<LogEvent>): string {
  checkFilters('filters', specs)
  return new Filters(specs).decide(event(said), new Notes().say)
}

describe('Filters', () => {
  describe('replies', () => {
    it('are neutral about what matches and deny the rest, unless told otherwise', () => {
      expect(decide([{ kind: 'threshold', level: 'warn' }], { level: 'warn' })).to.equal('neutral')
      expect(decide([{ kind: 'threshold', level: 'warn' }], { level: 'info' })).to.equal('deny')
    })

    it('let everything else pass when what matches is denied', () => {
      expect(decide([{ kind: 'match', logger: 'health', onMatch: 'deny' }], { logger: 'health.http' })).to.equal('deny')
      expect(decide([{ kind: 'match', logger: 'health', onMatch: 'deny' }], { logger: 'app' })).to.equal('neutral')
    })

    it('of the first filter that is not neutral decide', () => {
      const audit = { kind: 'match', marker: 'AUDIT', onMatch: 'accept', onMismatch: 'neutral' } as const
      const least = { kind: 'threshold', level: 'warn' } as const
      expect(decide([audit, least], { fields: { marker: 'AUDIT' } })).to.equal('accept')
      expect(decide([audit, least], {})).to.equal('deny')
      expect(decide([least, audit], { fields: { marker: 'AUDIT' } })).to.equal('deny')
      expect(decide([], {})).to.equal('neutral')
    })

    it('of filters that count are not foreseen, so that nothing is used up', () => {
      const filters = new Filters([
        { kind: 'match', logger: 'health', onMatch: 'deny' },
        { kind: 'burst', rate: 1, maxBurst: 1 },
      ])
      const { say } = new Notes()
      expect(filters.foresee(event({ logger: 'health' }), say)).to.equal('deny')
      for (let i = 0; i < 3; i++) expect(filters.foresee(event(), say)).to.equal('neutral')
      expect(filters.decide(event(), say)).to.equal('neutral')
      expect(filters.decide(event(), say)).to.equal('deny')
    })
  })

  describe('match', () => {
    const cases: readonly (readonly [
      string,
      Omit<Extract<FilterSpec, { kind: 'match' }>, 'kind'>,
      Partial<LogEvent>,
      boolean,
    ])[] = [
      ['the logger itself', { logger: 'a.b' }, { logger: 'a.b' }, true],
      ['a logger below', { logger: 'a.b' }, { logger: 'a.b.c' }, true],
      ['no logger whose name only begins the same', { logger: 'a.b' }, { logger: 'a.bc' }, false],
      ['one of the levels', { levels: ['debug', 'info'] }, { level: 'info' }, true],
      ['no other level', { levels: ['debug'] }, { level: 'info' }, false],
      ['text in the message', { message: 'GET /health' }, { msg: 'GET /health 200' }, true],
      ['no other message', { message: 'GET /health' }, { msg: 'GET /orders 200' }, false],
      ['a pattern', { pattern: '^GET /(health|ready)\\b' }, { msg: 'GET /ready 200' }, true],
      ['no message beside the pattern', { pattern: '^GET /(health|ready)\\b' }, { msg: 'GET /readyness' }, false],
      ['a marker', { marker: 'AUDIT' }, { fields: { marker: 'AUDIT' } }, true],
      ['a marker in a list', { marker: 'AUDIT' }, { fields: { marker: ['PCI', 'AUDIT'] } }, true],
      ['a marker of the MDC', { marker: 'AUDIT' }, { mdc: { marker: 'AUDIT' } }, true],
      ['no other marker', { marker: 'AUDIT' }, { fields: { marker: 'AUDITS' } }, false],
      ['a field', { fields: { status: 500 } }, { fields: { status: 500 } }, true],
      ['no field of another type', { fields: { status: 500 } }, { fields: { status: '500' } }, false],
      ['no field that is missing', { fields: { status: 500 } }, {}, false],
      ['a field that has one of the values', { fields: { status: [404, 410] } }, { fields: { status: 410 } }, true],
      ['a field of the MDC', { fields: { tenant: 'acme' } }, { mdc: { tenant: 'acme' } }, true],
      ['the field of the call before that of the MDC', { fields: { t: 'a' } }, { mdc: { t: 'a' }, fields: { t: 'b' } }, false],
      ['a field inside an object', { fields: { 'span.route': '/x' } }, { fields: { span: { route: '/x' } } }, true],
      ['a field whose name has a dot', { fields: { 'span.route': '/x' } }, { fields: { 'span.route': '/x' } }, true],
      ['nothing inherited', { fields: { 'a.constructor.name': 'Object' } }, { fields: { a: {} } }, false],
      ['all that it names', { logger: 'a', levels: ['info'] }, { logger: 'a', level: 'info' }, true],
      ['nothing that has one part only', { logger: 'a', levels: ['info'] }, { logger: 'a', level: 'warn' }, false],
    ]
    for (const [what, spec, said, expected] of cases) {
      it(`matches ${what}`, () => {
        expect(decide([{ kind: 'match', ...spec }], said)).to.equal(expected ? 'neutral' : 'deny')
      })
    }

    it('takes a getter that throws for a field that is missing', () => {
      const fields = {
        get status() {
          throw new Error('no')
        },
      }
      expect(decide([{ kind: 'match', fields: { status: 500 } }], { fields })).to.equal('deny')
    })
  })

  describe('burst', () => {
    const spec: FilterSpec = { kind: 'burst', rate: 10, maxBurst: 20 }
    const passed = (filters: Filters, count: number, said: Partial<LogEvent>): number =>
      Array.from({ length: count }, () => filters.decide(event(said), new Notes().say)).filter((reply) => reply === 'neutral')
        .length

    it('lets maxBurst events through at once, and the rate after that', () => {
      const filters = new Filters([spec])
      expect(passed(filters, 100, { time: T0 })).to.equal(20)
      expect(passed(filters, 100, { time: T0 + 1000 })).to.equal(10)
      expect(passed(filters, 100, { time: T0 + 1100 })).to.equal(1)
      expect(passed(filters, 100, { time: T0 + 60_000 })).to.equal(20)
    })

    it('lets everything above its level through, at no cost', () => {
      const filters = new Filters([spec])
      expect(passed(filters, 100, { level: 'error' })).to.equal(100)
      expect(passed(filters, 100, { level: 'warn' })).to.equal(20)
      expect(passed(new Filters([{ ...spec, level: 'info' }]), 100, { level: 'warn' })).to.equal(100)
    })

    it('has the defaults of log4j2: 10 a second, and 1000 at once', () => {
      const filters = new Filters([{ kind: 'burst' }])
      expect(passed(filters, 2000, { time: T0 })).to.equal(1000)
      expect(passed(filters, 2000, { time: T0 + 1000 })).to.equal(10)
    })

    it('goes on when the clock is set back', () => {
      const filters = new Filters([spec])
      expect(passed(filters, 20, { time: T0 })).to.equal(20)
      expect(passed(filters, 20, { time: T0 - 3_600_000 })).to.equal(0)
      expect(passed(filters, 20, { time: T0 - 3_600_000 + 1000 })).to.equal(10)
    })
  })

  describe('duplicate', () => {
    function run(spec: Partial<Extract<FilterSpec, { kind: 'duplicate' }>>, said: readonly Partial<LogEvent>[]) {
      const filters = new Filters([{ kind: 'duplicate', ...spec }])
      const notes = new Notes()
      const replies = said.map((one) => filters.decide(event(one), notes.say))
      return { filters, notes, replies }
    }

    it('lets a message be repeated five times by default, as logback does', () => {
      const { replies } = run({}, Array(9).fill({ msg: 'again' }))
      expect(replies.filter((reply) => reply === 'neutral')).to.have.length(6)
    })

    it('takes events for the same whose logger, level and message are', () => {
      const { replies } = run({ allowedRepetitions: 0 }, [
        { msg: 'a', fields: { n: 1 } },
        { msg: 'a', fields: { n: 2 } },
        { msg: 'b' },
        { msg: 'a', logger: 'other' },
        { msg: 'a', level: 'warn' },
      ])
      expect(replies).to.deep.equal(['neutral', 'deny', 'neutral', 'neutral', 'neutral'])
    })

    it('tells how often a message was repeated when its time is up', () => {
      const { notes, replies } = run({ allowedRepetitions: 1, expiresAfterMs: 1000 }, [
        ...Array(5).fill({ msg: 'again', level: 'warn', time: T0 }),
        { msg: 'other', time: T0 + 999 },
        { msg: 'again', level: 'warn', time: T0 + 1000 },
      ])
      expect(replies.at(-1)).to.equal('neutral')
      expect(notes.all).to.deep.equal([
        { level: 'warn', logger: 'app', msg: 'repeated 3 more times: again', fields: { repeated: 3 } },
      ])
    })

    it('tells it when another message takes its place', () => {
      const { notes } = run(
        { allowedRepetitions: 0, cacheSize: 2 },
        ['a', 'a', 'b', 'c'].map((msg) => ({ msg })),
      )
      expect(notes.texts).to.deep.equal(['repeated 1 more times: a'])
    })

    it('tells it once when it is settled', () => {
      const { filters, notes } = run(
        { allowedRepetitions: 0 },
        ['a', 'a', 'b'].map((msg) => ({ msg })),
      )
      filters.settle(notes.say)
      filters.settle(notes.say)
      expect(notes.texts).to.deep.equal(['repeated 1 more times: a'])
    })

    it('remembers no more than cacheSize messages', () => {
      const { replies } = run(
        { allowedRepetitions: 0, cacheSize: 2 },
        ['a', 'b', 'c', 'a', 'c'].map((msg) => ({ msg })),
      )
      expect(replies).to.deep.equal(['neutral', 'neutral', 'neutral', 'neutral', 'deny'])
    })
  })

  describe('checkFilters()', () => {
    const wrong: readonly (readonly [string, unknown, RegExp])[] = [
      ['what is no list', {}, /configure: filters must be a list/],
      ['a filter without a kind', [{}], /filters\[0\] must have a kind: threshold, match, burst, duplicate/],
      ['an unknown kind', [{ kind: 'toString' }], /must have a kind/],
      ['an unknown option', [{ kind: 'burst', rates: 1 }], /filters\[0\] \(burst\) does not know 'rates': did you mean 'rate'/],
      ['a level that is none', [{ kind: 'threshold', level: 'loud' }], /'level' must be one of 'all'/],
      ['no level', [{ kind: 'threshold' }], /needs 'level'/],
      ['nothing to match', [{ kind: 'match', onMatch: 'deny' }], /must name what to match/],
      ['no fields', [{ kind: 'match', fields: {} }], /'fields' must be an object of texts/],
      ['a list for fields', [{ kind: 'match', fields: [1] }], /'fields' must be an object of texts.*, not this list/],
      ['a wrong pattern', [{ kind: 'match', pattern: '(' }], /'pattern' must be a regular expression as text/],
      ['a field of another type', [{ kind: 'match', fields: { a: {} } }], /'fields' must be an object of texts/],
      ['a reply that is none', [{ kind: 'burst', onMatch: 'maybe' }], /'onMatch' must be one of 'accept', 'neutral', 'deny'/],
      ['a rate of zero', [{ kind: 'burst', rate: 0 }], /'rate' must be a number above 0/],
    ]
    for (const [what, value, message] of wrong) {
      it(`refuses ${what}`, () => {
        expect(() => checkFilters('configure: filters', value)).to.throw(message)
      })
    }
  })
})
