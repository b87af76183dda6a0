import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import DataLoader from 'dataloader'
import { createPool } from 'generic-pool'
import pLimit from 'p-limit'
import { bindTrace, currentTrace, runBatch, runMessage, runWithTrace, type TraceContext } from 'tracelane'
import { BOTH, boundIf, deferred, type TrapGroup, traceparentOf, type Who } from './trap'

type Callback = () => void

/* One resource; who waits for it is called by whoever gives it back. */
class HandMadePool {
  #free = true
  readonly #waiting: Callback[] = []

  acquire(callback: Callback): void {
    if (!this.#free) return void this.#waiting.push(callback)
    this.#free = false
    callback()
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free = true
    else next()
  }
}

/* What node-postgres and old Redis clients do: one connection, a queue of callbacks, answers in the connection's own flow. */
class QueuedConnection {
  readonly #callbacks: Callback[] = []
  readonly #socket

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', (data) => {
      for (const _ of String(data)) this.#callbacks.shift()?.()
    })
  }

  query(callback: Callback): void {
    this.#callbacks.push(callback)
    this.#socket.write('q')
  }

  end(): void {
    this.#socket.destroy()
  }
}

/* As kafkajs gives it. */
const messageOf = (who: Who) => ({ who, headers: { traceparent: Buffer.from(traceparentOf(who)) } })

export const libraries: TrapGroup = {
  title: 'Pools, queues and batches',
  traps: [
    {
      name: 'queue of callbacks that is worked off in batches',
      plain: 'wrong',
      cure: '`bindTrace`',
      async run(flows, cured) {
        const queue: Callback[] = []
        for (const who of BOTH) flows.run(who, () => queue.push(boundIf(cured, bindTrace, () => flows.note(who))))
        flows.run('B', () => queue.forEach((callback) => void callback()))
      },
    },
    {
      name: 'hand-made pool with callbacks: who waits is called by who releases',
      plain: 'wrong',
      cure: '`bindTrace`',
      async run(flows, cured) {
        const pool = new HandMadePool()
        for (const who of BOTH) flows.run(who, () => pool.acquire(boundIf(cured, bindTrace, () => flows.note(who))))
        flows.run('A', () => pool.release())
      },
    },
    {
      name: 'one connection with a queue of callbacks (`pool.query(sql, callback)`, old Redis clients)',
      plain: 'wrong',
      cure: '`bindTrace`',
      async run(flows, cured) {
        const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1')
        await once(server, 'listening')
        const connection = flows.run('A', () => new QueuedConnection((server.address() as AddressInfo).port))
        await Promise.all(
          BOTH.map((who) =>
            flows.run(who, () => {
              const { promise, resolve } = deferred()
              const callback = (): void => {
                flows.note(who)
                resolve()
              }
              connection.query(boundIf(cured, bindTrace, callback))
              return promise
            }),
          ),
        )
        connection.end()
        server.close()
        await once(server, 'close')
      },
    },
    {
      name: 'loop over messages (`eachMessage`) that was started in a flow',
      plain: 'wrong',
      cure: '`runMessage`',
      run: (flows, cured) =>
        flows.run('A', async () => {
          for (const who of BOTH) {
            const { headers } = messageOf(who)
            await turn()
            if (cured) runMessage(headers, () => flows.note(who))
            else flows.note(who)
          }
        }),
    },
    {
      name: 'batch of messages (`eachBatch`), each of another sender',
      plain: 'lost',
      cure: '`runBatch`',
      run: async (flows, cured) => {
        const batch = BOTH.map(messageOf)
        if (cured) runBatch(batch, (runOne) => batch.forEach((message) => void runOne(message, () => flows.note(message.who))))
        else for (const { who } of batch) flows.note(who)
      },
    },
    {
      name: '`p-limit` 3: a function that had to wait',
      plain: 'wrong',
      cure: '`bindTrace`',
      async run(flows, cured) {
        const limit = pLimit(1)
        const work = (who: Who) => async (): Promise<void> => {
          flows.note(who)
          await turn()
          flows.note(who)
        }
        await Promise.all(BOTH.map((who) => flows.run(who, () => limit(boundIf(cured, bindTrace, work(who))))))
      },
    },
    {
      name: '`generic-pool`: `await pool.acquire()`',
      plain: 'ok',
      async run(flows) {
        const pool = createPool({ create: async () => ({}), destroy: async () => undefined }, { max: 1 })
        await Promise.all(
          BOTH.map((who) =>
            flows.run(who, async () => {
              const resource = await pool.acquire()
              flows.note(who)
              await turn()
              await pool.release(resource)
              flows.note(who)
            }),
          ),
        )
        await pool.drain()
        await pool.clear()
      },
    },
    {
      name: '`dataloader`: `await loader.load(key)`',
      plain: 'ok',
      async run(flows) {
        const loader = new DataLoader<Who, Who>(async (keys) => keys)
        await Promise.all(
          BOTH.map((who) =>
            flows.run(who, async () => {
              await loader.load(who)
              flows.note(who)
            }),
          ),
        )
      },
    },
    {
      name: '`dataloader`: the batch function, which serves several flows but runs in the first',
      plain: 'wrong',
      cure: '`runWithTrace` with a trace kept in the key',
      async run(flows, cured) {
        interface Key {
          readonly who: Who
          readonly trace: TraceContext | undefined
        }
        const loader = new DataLoader<Key, Who>(async (keys) =>
          keys.map(({ who, trace }) => {
            if (cured) runWithTrace(trace, () => flows.note(who))
            else flows.note(who)
            return who
          }),
        )
        await Promise.all(BOTH.map((who) => flows.run(who, () => loader.load({ who, trace: currentTrace() }))))
      },
    },
  ],
}
