import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { Piscina } from 'piscina'
import { runWithTrace, type SerializedTrace, serializeTrace } from 'tracelane'
import { projectFile, runNode } from '../support'
import { BOTH, deferred, type Trap, type TrapGroup, traceparentOf, type Who } from './trap'

interface Answer {
  readonly who: Who
  readonly traceId: string | undefined
  readonly trace: SerializedTrace | undefined
}

const fixture = (name: string): string => projectFile(`test/fixtures/traps/${name}`)

/* A worker that the first flow makes and both use. */
function worker(
  name: string,
  check: (flows: Parameters<Trap['run']>[0], answer: Answer, cured: boolean) => void,
  plain: 'lost' | 'wrong',
): Trap {
  return {
    name,
    plain,
    cure: '`serializeTrace`',
    async run(flows, cured) {
      const thread = flows.run('A', () => new Worker(fixture('worker.cjs')))
      const { promise, resolve } = deferred()
      const start = flows.count
      flows.run('A', () =>
        thread.on('message', (answer: Answer) => {
          check(flows, answer, cured)
          if (flows.count === start + BOTH.length) resolve()
        }),
      )
      for (const who of BOTH) flows.run(who, () => thread.postMessage({ who, trace: cured ? serializeTrace() : undefined }))
      await promise
      await thread.terminate()
    },
  }
}

export const threads: TrapGroup = {
  title: 'Threads, processes and copies',
  traps: [
    worker("inside a worker thread: its `'message'` listener", (flows, { who, traceId }) => flows.found(who, traceId), 'lost'),
    worker(
      "`worker.on('message')`: the answers to several flows",
      (flows, { who, trace }, cured) => (cured ? runWithTrace(trace, () => flows.note(who)) : flows.note(who)),
      'wrong',
    ),
    {
      name: 'Piscina: `await pool.run(task)`',
      plain: 'ok',
      async run(flows) {
        const pool = new Piscina({ filename: fixture('task.cjs'), minThreads: 1, maxThreads: 1 })
        await Promise.all(
          BOTH.map((who) =>
            flows.run(who, async () => {
              await pool.run({})
              flows.note(who)
            }),
          ),
        )
        await pool.destroy()
      },
    },
    {
      name: 'Piscina: inside the task',
      plain: 'lost',
      cure: '`serializeTrace`',
      async run(flows, cured) {
        const pool = new Piscina({ filename: fixture('task.cjs'), minThreads: 1, maxThreads: 1 })
        const run = async (who: Who): Promise<void> =>
          flows.found(who, (await pool.run({ trace: cured ? serializeTrace() : undefined })) as string | undefined)
        await Promise.all(BOTH.map((who) => flows.run(who, () => run(who))))
        await pool.destroy()
      },
    },
    {
      name: 'inside a child process (`fork`)',
      plain: 'lost',
      cure: '`serializeTrace`',
      async run(flows, cured) {
        const child = fork(fixture('child.cjs'), { execArgv: [] })
        const ended = once(child, 'close')
        flows.run('A', () => child.send({ trace: cured ? serializeTrace() : undefined }))
        const [{ traceId }] = (await once(child, 'message')) as [Answer]
        flows.found('A', traceId)
        await ended
      },
    },
    {
      name: 'inside a worker of `node:cluster`: a message of the primary process',
      plain: 'lost',
      cure: '`serializeTrace`',
      async run(flows, cured) {
        const args = [fixture('cluster.cjs'), traceparentOf('A'), ...(cured ? ['carried'] : [])]
        const { stdout, stderr } = await runNode(args)
        if (stdout === '') throw new Error(stderr)
        flows.found('A', stdout === 'undefined' ? undefined : stdout)
      },
    },
    {
      name: 'two copies of tracelane in one process (duplicates in node_modules, reset modules)',
      plain: 'ok',
      async run(flows) {
        const file = projectFile('dist/index.js')
        const core = projectFile('dist/core.js')
        const kept = [require.cache[file], require.cache[core]]
        delete require.cache[file]
        delete require.cache[core]
        const copy = require(file) as typeof import('tracelane')
        if (copy.runWithTrace === runWithTrace) throw new Error('there is one copy only')
        Object.assign(require.cache, { [file]: kept[0], [core]: kept[1] })
        flows.run('A', () => flows.found('A', copy.currentTraceId()))
      },
    },
  ],
}
