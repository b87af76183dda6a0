import 'reflect-metadata'
import {
  type ArgumentsHost,
  Body,
  type CallHandler,
  Catch,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Module,
  Param,
  Post,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import { expect } from 'chai'
import { map, type Observable } from 'rxjs'
import { currentTraceId, mdc } from 'tracelane'
import { traceMiddleware } from 'tracelane/middleware/express'
import { traceFastify } from 'tracelane/middleware/fastify'
import { call, traceparent } from '../support/call'
import { listenToPort, type PortEvents } from '../support/port-events'
import { ID } from './table/harness'

let seen: (readonly [string, string | undefined])[] = []
const note = (where: string): void => void seen.push([where, currentTraceId()])

class Guard {
  async canActivate(): Promise<boolean> {
    await Promise.resolve()
    note('guard')
    mdc.put('user', 'ann')
    return true
  }
}

class Interceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    note('interceptor')
    return next.handle().pipe(
      map((value: unknown) => {
        note('after the handler')
        return value
      }),
    )
  }
}

class Mine extends Error {}

interface AnyReply {
  status(code: number): { send(body: string): unknown }
}

class Filter {
  catch(error: Error, host: ArgumentsHost): void {
    note('filter')
    host.switchToHttp().getResponse<AnyReply>().status(500).send(error.message)
  }
}

class Orders {
  read(id: string): object {
    note('handler')
    return { id, user: mdc.get('user') }
  }

  async write(body: { text: string }): Promise<object> {
    await Promise.resolve()
    note('handler')
    return { size: body.text.length }
  }

  fail(): never {
    throw new Mine('mine')
  }
}

/* Decorators are functions; called by hand they need no compiler option. */
function decorate(method: keyof Orders, ...decorators: MethodDecorator[]): void {
  const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, method) as PropertyDescriptor
  for (const decorator of decorators) decorator(Orders.prototype, method, descriptor)
}

class AppModule {}

Catch(Mine)(Filter)
decorate('read', Get(':id'))
Param('id')(Orders.prototype, 'read', 0)
decorate('write', Post())
Body()(Orders.prototype, 'write', 0)
decorate('fail', Get(':id/error'), UseFilters(Filter))
UseGuards(Guard)(Orders)
UseInterceptors(Interceptor)(Orders)
Controller('orders')(Orders)
Module({ controllers: [Orders] })(AppModule)

const QUIET = { logger: false } as const

const ADAPTERS: Readonly<Record<string, () => Promise<INestApplication>>> = {
  async Express() {
    const app = await NestFactory.create(AppModule, new ExpressAdapter(), QUIET)
    app.use(traceMiddleware())
    return app
  },
  async Fastify() {
    const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), QUIET)
    await app.register(traceFastify())
    return app
  },
}

for (const [name, create] of Object.entries(ADAPTERS)) {
  describe(`NestJS on ${name}`, () => {
    const headers = { traceparent: traceparent(ID('a')) }
    let app: INestApplication
    let port: PortEvents
    let origin: string

    before(async () => {
      app = await create()
      await app.listen(0, '127.0.0.1')
      origin = await app.getUrl()
    })

    after(() => app.close())

    beforeEach(() => {
      seen = []
      port = listenToPort()
    })

    afterEach(() => port.stop())

    it('has the trace in guards, interceptors and handlers, and a field of the guard in the handler', async () => {
      const answer = await call(`${origin}/orders/7`, { headers })
      expect(JSON.parse(answer.body)).to.deep.equal({ id: '7', user: 'ann' })
      expect(answer.headers['x-trace-id']).to.equal(ID('a'))
      const places = ['guard', 'interceptor', 'handler', 'after the handler']
      expect(seen).to.deep.equal(places.map((place) => [place, ID('a')]))
    })

    it('has it behind the parser of a large body', async () => {
      const body = JSON.stringify({ text: 'x'.repeat(90_000) })
      const json = { ...headers, 'content-type': 'application/json' }
      const answer = await call(`${origin}/orders`, { method: 'POST', headers: json }, body)
      expect(JSON.parse(answer.body)).to.deep.equal({ size: 90_000 })
      expect(new Set(seen.map(([, id]) => id))).to.deep.equal(new Set([ID('a')]))
    })

    it('has it in exception filters, and leaves a 404 to Nest', async () => {
      expect(await call(`${origin}/orders/7/error`, { headers })).to.include({ status: 500, body: 'mine' })
      expect(seen.at(-1)).to.deep.equal(['filter', ID('a')])
      const missing = await call(`${origin}/nowhere`, { headers })
      expect(missing.status).to.equal(404)
      expect(missing.headers['x-trace-id']).to.equal(ID('a'))
    })

    it('tells the route of the controller in the event at the end', async () => {
      await call(`${origin}/orders/7`, { headers })
      await call(`${origin}/orders/7/error`, { headers })
      const spans = await port.spanCount(2)
      expect(spans.map(({ route, status }) => [route, status])).to.deep.equal([
        ['/orders/:id', 200],
        ['/orders/:id/error', 500],
      ])
    })
  })
}
