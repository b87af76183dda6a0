import { EventEmitter } from 'node:events'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { bindEmitter, bindTrace, currentTraceId, detach, isTracelaneError, runWithTrace, TracelaneError } from 'tracelane'
import { type ContextCheck, expectContextSurvives } from 'tracelane/testing'

async function errorOf(promise: Promise<unknown>): Promise<TracelaneError> {
  const error = await promise.then(
    () => new Error('it did not reject'),
    (reason: unknown) => reason,
  )
  return error as TracelaneError
}

describe('expectContextSurvives()', () => {
  /* Works off its callbacks together, in the flow of whoever added the last. */
  function batch(size: number): (callback: () => void) => void {
    const waiting: (() => void)[] = []
    return (callback) => {
      waiting.push(callback)
      if (waiting.length === size) for (const one of waiting.splice(0)) one()
    }
  }

  const through =
    (add: (callback: () => void) => void, bind = (fn: () => void): (() => void) => fn) =>
    (check: ContextCheck) =>
      new Promise<void>((resolve) =>
        add(
          bind(() => {
            check('in the batch')
            resolve()
          }),
        ),
      )

  it('passes for what keeps the context, each run in a trace of its own, at the same time', async () => {
    const traces = new Set<string | undefined>()
    const runs: number[] = []
    let going = 0
    let most = 0
    await expectContextSurvives(async (check, run) => {
      most = Math.max(most, ++going)
      runs.push(run)
      traces.add(currentTraceId())
      await turn()
      check()
      going--
    })
    expect(most).to.equal(25)
    expect(traces.size).to.equal(25)
    expect(runs).to.deep.equal(Array.from({ length: 25 }, (_, i) => i))
    expect(currentTraceId()).to.equal(undefined)
  })

  it('rejects where another trace was found, and says in how many runs', async () => {
    const error = await errorOf(expectContextSurvives(through(batch(10)), { runs: 10 }))
    expect(isTracelaneError(error)).to.equal(true)
    expect(error.code).to.equal('ERR_TRACELANE_CONTEXT_LOST')
    expect(error.message).to.include('at in the batch there was another trace in 9 of 10 runs')
    expect(error.message).to.include('docs/guides/context-traps.md')
  })

  it('passes for the same with its cure', async () => {
    await expectContextSurvives(through(batch(10), bindTrace), { runs: 10 })
    const bus = bindEmitter(new EventEmitter().setMaxListeners(0))
    await expectContextSurvives(async (check) => {
      const heard = new Promise<void>((resolve) =>
        bus.once('it', () => {
          check('listener')
          resolve()
        }),
      )
      setImmediate(() => bus.emit('it'))
      await heard
    })
  })

  it('tells lost from wrong, and places from one another; without a name a place is file and line', async () => {
    const error = await errorOf(
      expectContextSurvives(
        async (check) => {
          check('start')
          detach(() => check())
          runWithTrace(() => check('elsewhere'))
        },
        { runs: 3 },
      ),
    )
    expect(error.message)
      .to.match(/at \S*context-survival\.test\.js:\d+:\d+ there was no trace in 3 of 3 runs;/)
      .and.to.include('at elsewhere there was another trace in 3 of 3 runs')
      .and.not.include('start')
  })

  it('rejects when a run never checked', async () => {
    const error = await errorOf(expectContextSurvives((check, run) => run > 1 && check(), { runs: 5 }))
    expect(error.code).to.equal('ERR_TRACELANE_CONTEXT_UNCHECKED')
    expect(error.message).to.include('2 of 5 runs never called check()')
  })

  it('rejects with what the function threw, or has it as the cause of a lost context', async () => {
    const fault = new Error('mine')
    const failing = async (check: ContextCheck, run: number): Promise<void> => {
      if (run === 1) throw fault
      check()
    }
    expect(await errorOf(expectContextSurvives(failing))).to.equal(fault)
    expect(await errorOf(expectContextSurvives(() => Promise.reject(undefined)))).to.equal(undefined)
    const error = await errorOf(
      expectContextSurvives(async (check, run) => {
        detach(() => check('outside'))
        await failing(check, run)
      }),
    )
    expect(error.code).to.equal('ERR_TRACELANE_CONTEXT_LOST')
    expect(error.cause).to.equal(fault)
  })

  it('waits for all runs before it rejects', async () => {
    let ended = 0
    await errorOf(
      expectContextSurvives(async (check, run) => {
        if (run === 0) throw new Error('early')
        check()
        await turn()
        ended++
      }),
    )
    expect(ended).to.equal(24)
  })

  it('throws from a wrong check that comes too late to be told, and from that only', async () => {
    const late: ContextCheck[] = []
    const bound: (() => void)[] = []
    await expectContextSurvives((check) => {
      check()
      late.push(check)
      bound.push(bindTrace(() => check('late')))
    })
    for (const check of bound) check()
    expect(() => late[0]?.('late')).to.throw(TracelaneError, /no trace at late, after the run had ended/)
  })

  it('refuses wrong options', async () => {
    for (const options of [{ runs: 1 }, { flows: 3 }]) {
      const error = await errorOf(expectContextSurvives((check) => check(), options as object))
      expect(error.code).to.match(/^ERR_TRACELANE_OPTION_/)
    }
  })
})
