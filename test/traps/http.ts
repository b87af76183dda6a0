import { once } from 'node:events'
import { Agent, get, type IncomingMessage, request, type ServerResponse } from 'node:http'
import axios from 'axios'
import express from 'express'
import { extractTrace, runWithTrace } from 'tracelane'
import { traceMiddleware } from 'tracelane/middleware/express'
import { projectFile, runNode } from '../support'
import { call } from '../support/call'
import { serve, type TestServer } from '../support/http-server'
import { rawConnect } from '../support/raw-http'
import { BOTH, deferred, type Flows, type Outcome, type Trap, type TrapGroup, traceparentOf, type Who } from './trap'

type Handler = (req: express.Request, res: express.Response, next: express.NextFunction) => unknown

/* What anybody would write, and what all of the smaller request-id packages do. */
const bareMiddleware: Handler = (req, _res, next) => runWithTrace(extractTrace(req.headers), next)

const whoOf = (req: IncomingMessage): Who => req.headers['x-who'] as Who
const headersOf = (who: Who): Record<string, string> => ({ 'x-who': who, traceparent: traceparentOf(who) })
const BIG = 'x'.repeat(70_000)

async function served<R>(cured: boolean, handlers: readonly unknown[], use: (server: TestServer) => Promise<R>): Promise<R> {
  const app = express()
  app.use(cured ? traceMiddleware() : bareMiddleware)
  for (const handler of handlers) app.use(handler as Handler)
  const server = await serve(app)
  try {
    return await use(server)
  } finally {
    await server.close()
  }
}

/* A client that breaks off in the middle of its body; `watch` resolves when the events have come. */
function broken(name: string, watch: (req: IncomingMessage, res: ServerResponse, came: () => void) => unknown): Trap {
  return {
    name,
    plain: 'lost',
    cure: '`traceMiddleware`',
    async run(flows, cured) {
      const arrived = { A: deferred(), B: deferred() }
      const ended = { A: deferred(), B: deferred() }
      const handler: Handler = (req, res) => {
        const who = whoOf(req)
        watch(req, res, () => {
          flows.note(who)
          ended[who].resolve()
        })
        arrived[who].resolve()
      }
      await served(cured, [handler], async ({ port }) => {
        for (const who of BOTH) {
          const { socket } = await rawConnect(port)
          socket.write(
            `POST / HTTP/1.1\r\nHost: x\r\nX-Who: ${who}\r\ntraceparent: ${traceparentOf(who)}\r\nContent-Length: 99\r\n\r\npart`,
          )
          void arrived[who].promise.then(() => socket.destroy())
        }
        await Promise.all(BOTH.map((who) => ended[who].promise))
      })
    },
  }
}

function bigBody(name: string, type: string, body: string, parser: unknown, plain: Outcome = 'ok'): Trap {
  return {
    name: `after ${name} with a body of 70 kB`,
    plain,
    ...(plain === 'ok' ? {} : { cure: '`traceMiddleware`' }),
    async run(flows, cured) {
      const handler: Handler = (req, res) => {
        flows.note(whoOf(req))
        res.end()
      }
      await served(cured, [parser, handler], ({ origin }) =>
        Promise.all(
          BOTH.map((who) => call(origin, { method: 'POST', headers: { ...headersOf(who), 'content-type': type } }, body)),
        ),
      )
    },
  }
}

const form = `--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\nContent-Type: text/plain\r\n\r\n${BIG}\r\n--x--\r\n`
const multer = require('multer') as () => { single(field: string): unknown }
const oldMulter = require('multer-1.4.4') as typeof multer
const oldBodyParser = require('body-parser-1.19') as typeof express

function errorHandler(name: string, fail: Handler): Trap {
  return {
    name: `Express error handler after ${name}`,
    plain: 'ok',
    async run(flows, cured) {
      const handle = (_error: unknown, req: express.Request, res: express.Response, _next: unknown): void => {
        flows.note(whoOf(req))
        res.status(500).end()
      }
      await served(cured, [fail, handle], ({ origin }) =>
        Promise.all(BOTH.map((who) => call(origin, { headers: headersOf(who) }))),
      )
    },
  }
}

/* Each flow asks a server once, all over one connection. */
async function asking(flows: Flows, ask: (origin: string, who: Who, agent: Agent) => Promise<unknown>): Promise<void> {
  const server = await serve((_req, res) => void setImmediate(() => res.end('done')))
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  for (let i = 0; i < 2; i++) await Promise.all(BOTH.map((who) => flows.run(who, () => ask(server.origin, who, agent))))
  agent.destroy()
  await server.close()
}

export const http: TrapGroup = {
  title: 'HTTP servers: a middleware that only calls `run`, and `traceMiddleware`',
  traps: [
    broken("broken request: `'aborted'` of `req`", (req, _res, came) => req.on('aborted', came)),
    broken("broken request: `'error'` of `req`", (req, _res, came) => req.on('error', came)),
    broken("broken request: `'close'` of `req`", (req, _res, came) => req.on('error', () => undefined).on('close', came)),
    broken("broken request: `'close'` of `res`", (_req, res, came) => res.on('close', came)),
    {
      name: "`'end'` of a `req` whose body nobody reads",
      plain: 'lost',
      cure: '`traceMiddleware`',
      async run(flows, cured) {
        const ended = { A: deferred(), B: deferred() }
        const handler: Handler = (req, res) => {
          const who = whoOf(req)
          req.on('end', () => {
            flows.note(who)
            ended[who].resolve()
          })
          res.end()
        }
        await served(cured, [handler], async ({ origin }) => {
          await Promise.all(BOTH.map((who) => call(origin, { method: 'POST', headers: headersOf(who) }, 'body')))
          await Promise.all(BOTH.map((who) => ended[who].promise))
        })
      },
    },
    bigBody('`express.json()`', 'application/json', JSON.stringify({ text: BIG }), express.json({ limit: '1mb' })),
    bigBody('`express.urlencoded()`', 'application/x-www-form-urlencoded', `a=${BIG}`, express.urlencoded({ limit: '1mb' })),
    bigBody('`express.raw()`', 'application/octet-stream', BIG, express.raw({ limit: '1mb' })),
    bigBody('`multer` 2', 'multipart/form-data; boundary=x', form, multer().single('file')),
    bigBody('`multer` 1.4.4', 'multipart/form-data; boundary=x', form, oldMulter().single('file'), 'lost'),
    bigBody(
      '`body-parser` 1.19',
      'application/json',
      JSON.stringify({ text: BIG }),
      oldBodyParser.json({ limit: '1mb' }),
      'lost',
    ),
    errorHandler('a `throw`', () => {
      throw new Error('thrown')
    }),
    errorHandler('`next(error)`', (_req, _res, next) => void setImmediate(() => next(new Error('passed')))),
    errorHandler('a rejection (Express 5)', async () => {
      await null
      throw new Error('rejected')
    }),
    {
      name: 'server started inside a trace, without a middleware: every request has the trace of the start',
      plain: 'wrong',
      cure: '`traceMiddleware`',
      async run(flows, cured) {
        const app = express()
        if (cured) app.use(traceMiddleware())
        app.use((req, res) => {
          flows.note(whoOf(req))
          res.end()
        })
        const server = await runWithTrace(() => serve(app))
        await Promise.all(BOTH.map((who) => call(server.origin, { headers: headersOf(who) })))
        await server.close()
      },
    },
    {
      name: 'request, response and body kept in memory by a timer that the request started (storage with `{ req, res }`)',
      plain: 'pinned',
      cure: '`traceMiddleware`',
      async run(flows, cured) {
        const script = projectFile('test/fixtures/traps/retained.cjs')
        const { stdout, stderr } = await runNode(['--expose-gc', script, cured ? 'kit' : 'own'])
        if (stdout === '') throw new Error(stderr)
        flows.add(stdout as Outcome)
      },
    },
  ],
}

export const clients: TrapGroup = {
  title: 'HTTP clients',
  traps: [
    {
      name: '`http.get`: callback, `data`, `end` on one kept connection, with a queue for it',
      plain: 'ok',
      run: (flows) =>
        asking(flows, async (origin, who, agent) => {
          const { promise, resolve } = deferred()
          get(origin, { agent }, (res) => {
            flows.note(who)
            res
              .on('data', () => flows.note(who))
              .on('end', () => {
                flows.note(who)
                resolve()
              })
          })
          await promise
          flows.note(who)
        }),
    },
    {
      name: "`http.request`: `'error'` of a connection that is refused or broken",
      plain: 'ok',
      async run(flows) {
        const server = await serve((req) => void req.socket.destroy())
        await Promise.all(
          BOTH.map((who) =>
            flows.run(who, async () => {
              const req = request(server.origin, { agent: false }).end()
              const { promise, resolve } = deferred()
              req.on('error', () => {
                flows.note(who)
                resolve()
              })
              await promise
            }),
          ),
        )
        await server.close()
      },
    },
    {
      name: '`fetch`: `await`, and reading the body',
      plain: 'ok',
      run: (flows) =>
        asking(flows, async (origin, who) => {
          const answer = await fetch(origin)
          flows.note(who)
          await answer.text()
          flows.note(who)
        }),
    },
    {
      name: 'axios: `await`, and its own interceptors',
      plain: 'ok',
      run: (flows) =>
        asking(flows, async (origin, who, httpAgent) => {
          const api = axios.create({ httpAgent })
          api.interceptors.request.use(async (config) => {
            await null
            flows.note(who)
            return config
          })
          api.interceptors.response.use((answer) => {
            flows.note(who)
            return answer
          })
          await api.get(origin)
          flows.note(who)
        }),
    },
    {
      name: "axios with `responseType: 'stream'`: `'end'`",
      plain: 'ok',
      run: (flows) =>
        asking(flows, async (origin, who, httpAgent) => {
          const { data } = await axios.get<IncomingMessage>(origin, { httpAgent, responseType: 'stream' })
          const ended = once(data.resume(), 'end')
          data.on('end', () => flows.note(who))
          await ended
          flows.note(who)
        }),
    },
  ],
}
