import type { EventEmitter } from 'node:events'
import { createClient } from 'redis'
import { bindTrace } from 'tracelane'
import { freePort, projectFile, startNode, tempFolder, until } from '../support'
import { RunningProgram } from '../support/processes'
import { BOTH, boundIf, deferred, type Flows, type TrapGroup } from './trap'

type Done = (error: Error | null | undefined) => void

/* What the traps use of pg, which brings no types. */
interface Queries {
  query(sql: string): Promise<unknown>
  query(sql: string, done: Done): void
  end(): Promise<void>
}
interface PgClient extends Queries, EventEmitter {
  connect(): Promise<void>
}
const pg = require('pg') as {
  readonly Pool: new (options: object) => Queries
  readonly Client: new (options: object) => PgClient
}

let pgOptions: object = {}
let redisUrl = ''

/* WebAssembly of that size takes its time where others run, too. */
const START_MS = 50_000

const SLOW = 'select pg_sleep(0.01)'

async function withPool(flows: Flows, use: (pool: Queries) => Promise<unknown>): Promise<void> {
  const pool = flows.run('A', () => new pg.Pool({ ...pgOptions, max: 1 }))
  await use(pool)
  await pool.end()
}

async function withClient(flows: Flows, use: (client: PgClient) => Promise<unknown>): Promise<void> {
  const client = new pg.Client(pgOptions)
  await flows.run('A', () => client.connect())
  await use(client)
  await client.end()
}

/* Both flows ask at once, so that one of them has to wait. */
async function both(flows: Flows, cured: boolean, ask: (done: Done) => void): Promise<void> {
  await Promise.all(
    BOTH.map((who) =>
      flows.run(who, () => {
        const { promise, resolve } = deferred()
        const done: Done = (error) => {
          if (error != null) throw error
          flows.note(who)
          resolve()
        }
        ask(boundIf(cured, bindTrace, done))
        return promise
      }),
    ),
  )
}

async function awaited(flows: Flows, ask: () => Promise<unknown>): Promise<void> {
  await Promise.all(
    BOTH.map((who) =>
      flows.run(who, async () => {
        await ask()
        flows.note(who)
      }),
    ),
  )
}

export const postgres: TrapGroup = {
  title: 'pg 8, with a Postgres',
  async open() {
    const program = startNode([projectFile('test/fixtures/traps/postgres.cjs')])
    const port = await until('the port of Postgres', () => /^(\d+)\n/.exec(program.stdout)?.[1], START_MS)
    pgOptions = { host: '127.0.0.1', port: Number(port), user: 'postgres', database: 'postgres' }
    return () => program.stop()
  },
  traps: [
    {
      name: '`await pool.query(sql)`',
      plain: 'ok',
      run: (flows) => withPool(flows, (pool) => awaited(flows, () => pool.query(SLOW))),
    },
    {
      name: '`await client.query(sql)` on one connection',
      plain: 'ok',
      run: (flows) => withClient(flows, (client) => awaited(flows, () => client.query(SLOW))),
    },
    {
      name: '`pool.query(sql, callback)`',
      plain: 'wrong',
      cure: '`bindTrace`',
      run: (flows, cured) => withPool(flows, (pool) => both(flows, cured, (done) => pool.query(SLOW, done))),
    },
    {
      name: '`client.query(sql, callback)` on one connection',
      plain: 'wrong',
      cure: '`bindTrace`',
      run: (flows, cured) => withClient(flows, (client) => both(flows, cured, (done) => client.query(SLOW, done))),
    },
    {
      name: "`client.on('notification')`: a listener of another flow than that of `connect`",
      plain: 'wrong',
      cure: '`bindTrace`',
      run: (flows, cured) =>
        withClient(flows, async (client) => {
          const { promise, resolve } = deferred()
          const heard = (): void => {
            flows.note('B')
            resolve()
          }
          flows.run('B', () => client.on('notification', boundIf(cured, bindTrace, heard)))
          await client.query('listen news')
          await client.query("notify news, 'x'")
          await promise
        }),
    },
  ],
}

type RedisClient = ReturnType<typeof createClient>

async function withRedis(flows: Flows, use: (client: RedisClient) => Promise<unknown>): Promise<void> {
  const client = createClient({ url: redisUrl })
  await flows.run('A', () => client.connect())
  await use(client)
  await client.close()
}

export const redis: TrapGroup = {
  title: 'redis 5, with a Redis',
  needs: 'redis-server',
  async open() {
    const port = await freePort()
    const options = { port, bind: '127.0.0.1', save: '', dir: tempFolder() }
    const program = new RunningProgram(
      'redis-server',
      Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]),
    )
    await until('Redis to be ready', () => program.stdout.includes('Ready to accept connections'))
    redisUrl = `redis://127.0.0.1:${port}`
    return () => program.stop()
  },
  traps: [
    {
      name: '`await client.get(key)` on one connection',
      plain: 'ok',
      run: (flows) => withRedis(flows, (client) => awaited(flows, () => client.get('key'))),
    },
    {
      name: '`await client.multi().exec()`',
      plain: 'ok',
      run: (flows) => withRedis(flows, (client) => awaited(flows, () => client.multi().set('key', 'x').get('key').exec())),
    },
    {
      name: '`client.subscribe(channel, listener)`: a listener of another flow than that of `connect`',
      plain: 'wrong',
      cure: '`bindTrace`',
      run: (flows, cured) =>
        withRedis(flows, (subscriber) =>
          withRedis(flows, async (publisher) => {
            const { promise, resolve } = deferred()
            const heard = (): void => {
              flows.note('B')
              resolve()
            }
            await flows.run('B', () => subscriber.subscribe('news', boundIf(cured, bindTrace, heard)))
            await publisher.publish('news', 'x')
            await promise
          }),
        ),
    },
  ],
}
