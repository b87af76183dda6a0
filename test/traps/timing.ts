import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as turn } from 'node:timers/promises'
import { bindAsyncIterator, bindTrace, currentTraceId, detach, forkTrace, mdc } from 'tracelane'
import { projectFile, runNode } from '../support'
import { BOTH, boundIf, deferred, type Flows, type Trap, type TrapGroup, traceparentOf } from './trap'

const schedulers: Readonly<Record<string, (fn: () => void) => unknown>> = {
  '`setTimeout`': (fn) => setTimeout(fn, 1),
  '`setImmediate`': setImmediate,
  '`process.nextTick`': process.nextTick,
  '`queueMicrotask`': queueMicrotask,
  '`then` of a promise': (fn) => Promise.resolve().then(fn),
}

const scheduled = Object.entries(schedulers).map(
  ([name, schedule]): Trap => ({
    name,
    plain: 'ok',
    run: (flows) =>
      Promise.all(
        BOTH.map((who) =>
          flows.run(who, () => {
            const { promise, resolve } = deferred()
            schedule(() => {
              flows.note(who)
              resolve()
            })
            return promise
          }),
        ),
      ),
  }),
)

async function ticks(flows: Flows, start: (tick: () => void) => void, check: () => void): Promise<void> {
  const { promise, resolve } = deferred()
  flows.run('A', () =>
    start(() => {
      check()
      resolve()
    }),
  )
  await promise
}

/* What a program is in when it is told of an error that nobody handled. */
async function lastWords(flows: Flows, event: string, failing: string): Promise<void> {
  const program = `const { currentTraceId, runWithTrace } = require(${JSON.stringify(projectFile('dist/index.js'))})
    process.on('${event}', () => process.stdout.write(String(currentTraceId())))
    runWithTrace({ traceparent: '${traceparentOf('A')}' }, ${failing})`
  const { stdout } = await runNode(['-e', program])
  flows.found('A', stdout === 'undefined' ? undefined : stdout)
}

export const timing: TrapGroup = {
  title: 'Timers and what outlives its request',
  traps: [
    ...scheduled,
    {
      name: '`timeout.refresh()` from another flow',
      plain: 'ok',
      async run(flows) {
        const { promise, resolve } = deferred()
        const timer = flows.run('A', () =>
          setTimeout(() => {
            flows.note('A')
            resolve()
          }, 2),
        )
        flows.run('B', () => timer.refresh())
        await promise
      },
    },
    {
      name: 'heartbeat or cache refresh (`setInterval`) started inside a request: carries its id for ever',
      plain: 'wrong',
      cure: '`detach`',
      async run(flows, cured) {
        let timer: NodeJS.Timeout | undefined
        const start = (tick: () => void): void => {
          timer = cured ? detach(() => setInterval(tick, 1)) : setInterval(tick, 1)
        }
        await ticks(flows, start, () => flows.note(undefined))
        clearInterval(timer)
      },
    },
    {
      name: 'subscription opened inside a request: all its later events are in that trace',
      plain: 'wrong',
      cure: '`forkTrace`',
      async run(flows, cured) {
        let opener: string | undefined
        const start = (event: () => void): void => {
          opener = currentTraceId()
          if (cured) forkTrace(() => setImmediate(event))
          else setImmediate(event)
        }
        await ticks(flows, start, () => {
          const own = currentTraceId() !== opener && mdc.get('linkedTraceId') === opener
          flows.add(own ? 'ok' : currentTraceId() === undefined ? 'lost' : 'wrong')
        })
      },
    },
    {
      name: "`process.on('unhandledRejection')`: the flow that rejected",
      plain: 'ok',
      run: (flows) => lastWords(flows, 'unhandledRejection', "async () => { await null; throw new Error('x') }"),
    },
    {
      name: "`process.on('uncaughtException')`: the flow that threw",
      plain: 'ok',
      run: (flows) => lastWords(flows, 'uncaughtException', "() => void setImmediate(() => { throw new Error('x') })"),
    },
  ],
}

const thenable = (body: () => void): PromiseLike<void> => ({
  // biome-ignore lint/suspicious/noThenProperty: query builders are like that
  then(resolve) {
    body()
    return Promise.resolve(resolve?.()) as never
  },
})

function* steps(note: () => void): Generator<number> {
  for (let i = 0; i < 3; i++) {
    note()
    yield i
  }
}

async function* asyncSteps(note: () => void): AsyncGenerator<number> {
  for (const i of steps(note)) {
    await null
    note()
    yield i
  }
}

/* Whether what `inner` set is seen by its caller: of a storage that is the user's own. */
async function seenByCaller(flows: Flows, inner: (own: AsyncLocalStorage<string | undefined>) => Promise<void>): Promise<void> {
  const own = new AsyncLocalStorage<string | undefined>()
  await flows.run('A', async () => {
    await own.run('outer', async () => {
      const pending = inner(own)
      flows.add(own.getStore() === 'outer' ? 'ok' : 'wrong')
      await pending
      flows.add(own.getStore() === 'outer' ? 'ok' : 'wrong')
    })
    flows.note('A')
  })
}

export const functions: TrapGroup = {
  title: 'Generators, thenables and storages of your own',
  traps: [
    {
      name: 'async generator made in one flow, pulled in another: its body',
      plain: 'wrong',
      cure: '`bindAsyncIterator`',
      async run(flows, cured) {
        const iterator = flows.run('A', () => {
          const body = asyncSteps(() => flows.note('A'))
          return cured ? bindAsyncIterator(body) : body
        })
        await flows.run('B', async () => {
          for await (const _ of iterator) flows.note('B')
        })
      },
    },
    {
      name: 'generator made in one flow, pulled in another: its body',
      plain: 'wrong',
      cure: '`bindTrace`',
      async run(flows, cured) {
        const next = flows.run('A', () => {
          const iterator = steps(() => flows.note('A'))
          return boundIf(cured, bindTrace, () => iterator.next())
        })
        flows.run('B', () => {
          while (next().done !== true) flows.note('B')
        })
      },
    },
    {
      name: 'thenable (a query builder), awaited in its flow',
      plain: 'ok',
      run: (flows) =>
        Promise.all(
          BOTH.map((who) =>
            flows.run(who, async () => {
              await thenable(() => flows.note(who))
              flows.note(who)
            }),
          ),
        ),
    },
    {
      name: 'thenable returned from `runWithTrace` and awaited outside it: it starts too late',
      plain: 'lost',
      cure: '`runWithTrace(…, async () => await …)`',
      async run(flows, cured) {
        const query = (): PromiseLike<void> => thenable(() => flows.note('A'))
        await flows.run('A', cured ? async () => await query() : query)
      },
    },
    {
      name: 'your own `enterWith` before the first `await`: the caller sees it',
      plain: 'wrong',
      cure: '`als.run` of your storage',
      run: (flows, cured) =>
        seenByCaller(flows, async (own) => {
          if (!cured) own.enterWith('inner')
          await (cured ? own.run('inner', () => turn()) : turn())
        }),
    },
    {
      name: 'your own `enterWith` in a generator: the caller sees it',
      plain: 'wrong',
      cure: '`als.run` of your storage',
      run: (flows, cured) =>
        seenByCaller(flows, async (own) => {
          const body = (function* (): Generator<void> {
            if (!cured) own.enterWith('inner')
            yield cured ? own.run('inner', () => undefined) : undefined
          })()
          body.next()
        }),
    },
    {
      name: 'your own `exit`, and `enterWith` in it: the caller sees it',
      plain: { 20: 'wrong', 22: 'wrong', 24: 'ok', 26: 'ok' },
      cure: '`als.run(undefined, fn)`',
      run: (flows, cured) =>
        seenByCaller(flows, async (own) => {
          const enter = (): void => own.enterWith('inner')
          if (cured) own.run(undefined, enter)
          else own.exit(enter)
        }),
    },
    {
      name: 'your own `enterWith` after an `await`',
      plain: 'ok',
      run: (flows) =>
        seenByCaller(flows, async (own) => {
          await turn()
          own.enterWith('inner')
          await turn()
        }),
    },
    {
      name: 'fields put in parallel branches of one request',
      plain: 'wrong',
      cure: '`mdc.with`',
      run: (flows, cured) =>
        flows.run('A', () =>
          Promise.all(
            [1, 2].map(async (branch) => {
              const work = async (): Promise<void> => {
                if (!cured) mdc.put('branch', branch)
                await turn()
                flows.add(mdc.get('branch') === branch ? 'ok' : 'wrong')
                flows.note('A')
              }
              await (cured ? mdc.with({ branch }, work) : work())
            }),
          ),
        ),
    },
  ],
}
