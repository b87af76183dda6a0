import { expect } from 'chai'
import { Budget, type BudgetOptions, checkBudget } from '../../lib/filter'
import { event, Notes } from './support'

const T0 = 1_763_683_905_000

describe('Budget', () => {
  function allowed(budget: Budget, count: number, said: Parameters<typeof event>[0], notes = new Notes()): number {
    return Array.from({ length: count }, () => budget.allows(event(said), notes.say)).filter(Boolean).length
  }

  it('lets each logger write so many events a second', () => {
    const budget = new Budget({ perSecond: 10 })
    expect(allowed(budget, 100, { time: T0 })).to.equal(10)
    expect(allowed(budget, 100, { time: T0 + 500 })).to.equal(5)
    expect(allowed(budget, 100, { time: T0 + 10_000 })).to.equal(10)
  })

  it('takes nothing from a logger for what another one says', () => {
    const budget = new Budget({ perSecond: 10 })
    expect(allowed(budget, 1000, { logger: 'loud' })).to.equal(10)
    expect(allowed(budget, 10, { logger: 'quiet' })).to.equal(10)
    expect(allowed(budget, 10, { logger: 'loud.child' })).to.equal(10)
  })

  it('lets everything above its level through, at no cost', () => {
    const budget = new Budget({ perSecond: 10 })
    expect(allowed(budget, 100, { level: 'warn' })).to.equal(100)
    expect(allowed(budget, 100, { level: 'info' })).to.equal(10)
    expect(allowed(new Budget({ perSecond: 10, level: 'error' }), 100, { level: 'error' })).to.equal(10)
  })

  it('has numbers by logger, and a burst', () => {
    const budget = new Budget({ perSecond: 10, burst: 30, loggers: { 'app.db': 1 } })
    expect(allowed(budget, 100, { logger: 'app', time: T0 })).to.equal(30)
    expect(allowed(budget, 100, { logger: 'app.db.pool', time: T0 })).to.equal(30)
    expect(allowed(budget, 100, { logger: 'app', time: T0 + 1000 })).to.equal(10)
    expect(allowed(budget, 100, { logger: 'app.db.pool', time: T0 + 1000 })).to.equal(1)
  })

  it('tells in one line what was left out when the logger may write again', () => {
    const budget = new Budget({ perSecond: 10 })
    const notes = new Notes()
    allowed(budget, 25, { time: T0 }, notes)
    expect(notes.all).to.deep.equal([])
    allowed(budget, 2, { time: T0 + 1000 }, notes)
    expect(notes.all).to.deep.equal([
      {
        level: 'warn',
        logger: 'tracelane.budget',
        msg: '15 events of app were left out: more than its budget of 10 a second',
        fields: { overBudget: 15, of: 'app' },
      },
    ])
  })

  it('tells it once when it is settled', () => {
    const budget = new Budget({ perSecond: 1 })
    const notes = new Notes()
    allowed(budget, 3, {}, notes)
    budget.settle(notes.say)
    budget.settle(notes.say)
    expect(notes.texts).to.deep.equal(['2 events of app were left out: more than its budget of 1 a second'])
  })

  it('keeps accounts of a few thousand loggers: of those that say something, whatever names come from data', () => {
    const budget = new Budget({ perSecond: 1 })
    const notes = new Notes()
    allowed(budget, 3, { logger: 'silent' }, notes)
    allowed(budget, 1, { logger: 'busy' }, notes)
    for (let i = 0; i < 20_000; i++) {
      allowed(budget, 1, { logger: `of.data.${i}` }, notes)
      expect(allowed(budget, 1, { logger: 'busy' }, notes)).to.equal(0)
    }
    expect(notes.texts).to.deep.equal(['2 events of silent were left out: more than its budget of 1 a second'])
    expect(allowed(budget, 1, { logger: 'silent' }, notes)).to.equal(1)
    expect(allowed(budget, 1, { logger: 'of.data.19999' }, notes)).to.equal(0)
  })

  it('lets less than one event a second through', () => {
    const budget = new Budget({ perSecond: 0.1 })
    expect(allowed(budget, 5, { time: T0 })).to.equal(1)
    expect(allowed(budget, 5, { time: T0 + 9_000 })).to.equal(0)
    expect(allowed(budget, 5, { time: T0 + 19_000 })).to.equal(1)
  })

  it('refuses wrong options', () => {
    const check = (value: unknown) => () => checkBudget('budget', value as BudgetOptions)
    expect(check({})).to.throw(/budget needs 'perSecond'/)
    expect(check({ perSecond: 0 })).to.throw(/'perSecond' must be a number above 0/)
    expect(check({ perSecond: 1, loggers: { a: -1 } })).to.throw(/'loggers' must be an object of events a second/)
    expect(check({ perSecond: 1, level: 'all' })).to.throw(/'level' must be one of/)
  })
})
