import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import Router from '@koa/router'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { traceMiddleware } from 'tracelane/middleware/express'
import { traceFastify } from 'tracelane/middleware/fastify'
import { traceHono } from 'tracelane/middleware/hono'
import { type ServerOptions, traceListener } from 'tracelane/middleware/http'
import { traceKoa } from 'tracelane/middleware/koa'
import { listening, serve, type TestServer } from './http-server'

const bodyParser = require('koa-bodyparser') as (options: object) => Koa.Middleware

/** What a handler of `AppSpec` gets, whatever the framework. */
export interface Ask {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly params: Readonly<Record<string, string>>
  /** The parsed body, if the app has a parser. */
  readonly body: unknown
}

/** Answers by Node's own `res` and gives undefined, or gives what the framework is to send as JSON, or throws. */
export type Handler = (ask: Ask) => unknown

/** An application that every framework of the table can be. */
export interface AppSpec {
  /** False: without our middleware, to compare. */
  readonly traced?: boolean
  readonly options?: ServerOptions
  /** Mounts our middleware a second time, behind one that calls `resume` from elsewhere. */
  readonly between?: (resume: () => void) => void
  /** Mounts the framework's own parser of JSON bodies. */
  readonly parse?: boolean
  readonly get?: Readonly<Record<string, Handler>>
  readonly post?: Readonly<Record<string, Handler>>
  /** What the framework's own error handler answers with status 500. */
  readonly onError?: (error: Error) => string
}

/** One way to serve HTTP, behind our middleware mounted first. */
export interface Framework {
  readonly name: string
  /** Whether it can say which route has served a request. */
  readonly knowsRoutes: boolean
  start(spec: AppSpec): Promise<TestServer>
}

type Route = readonly [method: 'get' | 'post', path: string, handler: Handler]

function routesOf({ get = {}, post = {} }: AppSpec): Route[] {
  const routes = (method: 'get' | 'post', table: Readonly<Record<string, Handler>>): Route[] =>
    Object.entries(table).map(([path, handler]) => [method, path, handler])
  return [...routes('get', get), ...routes('post', post)]
}

const textOf = (spec: AppSpec, error: unknown): string => (spec.onError ?? String)(error as Error)

/* `next` runs where `resume` is called: the promise brings the result back, not the flow. */
const pausing =
  (between: (resume: () => void) => void) =>
  <T>(next: () => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => between(() => void next().then(resolve, reject)))

function expressFramework(name: string, createApp: typeof express): Framework {
  return {
    name,
    knowsRoutes: true,
    start(spec) {
      const { between, onError } = spec
      const app = createApp()
      if (spec.traced !== false) app.use(traceMiddleware(spec.options))
      if (between !== undefined) {
        app.use((_req, _res, next) => between(next))
        app.use(traceMiddleware(spec.options))
      }
      if (spec.parse) app.use(createApp.json({ limit: '1mb' }))
      for (const [method, path, handler] of routesOf(spec)) {
        app[method](path, async (req: express.Request, res: express.Response, next: express.NextFunction) => {
          try {
            const result = await handler({ req, res, params: req.params as Record<string, string>, body: req.body })
            if (result !== undefined) res.json(result)
          } catch (error) {
            next(error)
          }
        })
      }
      if (onError !== undefined) {
        app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
          res.status(500).end(onError(error))
        })
      }
      return serve(app)
    },
  }
}

function koaFramework(name: string, App: typeof Koa): Framework {
  return {
    name,
    knowsRoutes: true,
    start(spec) {
      const { between } = spec
      const app = new App()
      app.silent = true
      if (spec.traced !== false) app.use(traceKoa(spec.options))
      if (between !== undefined) {
        app.use((_ctx, next) => pausing(between)(next))
        app.use(traceKoa(spec.options))
      }
      app.use(async (ctx, next) => {
        try {
          await next()
        } catch (error) {
          ctx.status = 500
          ctx.body = textOf(spec, error)
        }
      })
      if (spec.parse) app.use(bodyParser({ jsonLimit: '1mb' }))
      const router = new Router()
      for (const [method, path, handler] of routesOf(spec)) {
        router[method](path, async (ctx) => {
          const { req, res, params } = ctx
          ctx.respond = false
          res.statusCode = 200
          try {
            const body = (ctx.request as { body?: unknown }).body
            const result = await handler({ req, res, params: params as Record<string, string>, body })
            if (result === undefined) return
            ctx.respond = true
            ctx.body = result
          } catch (error) {
            ctx.respond = true
            throw error
          }
        })
      }
      app.use(router.routes() as unknown as Koa.Middleware)
      return serve(app.callback())
    },
  }
}

function fastifyFramework(name: string, createApp: typeof fastify): Framework {
  return {
    name,
    knowsRoutes: true,
    async start(spec) {
      const { between } = spec
      let server: Server = createServer()
      const app = createApp({
        bodyLimit: 2 ** 20,
        serverFactory: (handler) => {
          server = createServer(handler)
          return server
        },
      })
      if (spec.traced !== false) await app.register(traceFastify(spec.options))
      if (between !== undefined) {
        app.addHook('onRequest', (_request, _reply, done) => between(done))
        await app.register(traceFastify(spec.options))
      }
      app.setErrorHandler((error, _request, reply) => reply.status(500).send(textOf(spec, error)))
      if (!spec.parse) {
        app.removeAllContentTypeParsers()
        app.addContentTypeParser('*', (_request, _payload, done) => done(null))
      }
      for (const [method, url, handler] of routesOf(spec)) {
        app[method](url, async (request, reply) => {
          const { raw: req, body } = request
          const params = request.params as Record<string, string>
          const result = await handler({ req, res: reply.raw, params, body })
          return result === undefined ? reply.hijack() : result
        })
      }
      await app.ready()
      const started = await listening(server)
      const close = async (): Promise<void> => {
        await started.close()
        await app.close()
      }
      return { ...started, close }
    },
  }
}

const honoFramework: Framework = {
  name: 'Hono',
  knowsRoutes: true,
  start(spec) {
    const { between } = spec
    const app = new Hono<{ Bindings: { incoming: IncomingMessage; outgoing: ServerResponse } }>()
    if (spec.traced !== false) app.use(traceHono(spec.options))
    if (between !== undefined) {
      app.use((_c, next) => pausing(between)(next))
      app.use(traceHono(spec.options))
    }
    app.onError((error, c) => c.text(textOf(spec, error), 500))
    for (const [method, path, handler] of routesOf(spec)) {
      app[method](path, async (c) => {
        const { incoming: req, outgoing: res } = c.env
        const body: unknown = spec.parse && method === 'post' ? await c.req.json() : undefined
        const result = await handler({ req, res, params: c.req.param() as Record<string, string>, body })
        return result === undefined ? RESPONSE_ALREADY_SENT : c.json(result)
      })
    }
    return serve(getRequestListener(app.fetch))
  },
}

async function readBody(req: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString())
}

const httpFramework: Framework = {
  name: 'node:http',
  knowsRoutes: false,
  start(spec) {
    const { between, options, traced } = spec
    const routes = routesOf(spec).map(([method, path, handler]) => {
      const pattern = new RegExp(`^${path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`)
      return { method: method.toUpperCase(), pattern, handler }
    })
    const listener = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
      const [path = ''] = (req.url ?? '').split('?')
      const route = routes.find(({ method, pattern }) => method === req.method && pattern.test(path))
      res.statusCode = route === undefined ? 404 : 200
      if (route === undefined) return void res.end()
      try {
        const params = { ...route.pattern.exec(path)?.groups }
        const body = spec.parse && req.method === 'POST' ? await readBody(req) : undefined
        const result = await route.handler({ req, res, params, body })
        if (result !== undefined) res.setHeader('content-type', 'application/json').end(JSON.stringify(result))
      } catch (error) {
        res.statusCode = 500
        res.end(textOf(spec, error))
      }
    }
    if (traced === false) return serve(listener)
    if (between === undefined) return serve(traceListener(listener, options))
    const inner = traceListener(listener, options)
    return serve(traceListener((req, res) => between(() => void inner(req, res)), options))
  },
}

/** All that our middleware is made for. */
export const FRAMEWORKS = {
  express4: expressFramework('Express 4', require('express4') as typeof express),
  express5: expressFramework('Express 5', express),
  koa2: koaFramework('Koa 2', require('koa2') as typeof Koa),
  koa3: koaFramework('Koa 3', Koa),
  fastify4: fastifyFramework('Fastify 4', require('fastify4') as typeof fastify),
  fastify5: fastifyFramework('Fastify 5', fastify),
  hono: honoFramework,
  http: httpFramework,
} as const
