import { join } from 'node:path'
import { expect } from 'chai'
import express from 'express'
import {
  close,
  configure,
  currentTraceId,
  fileSink,
  flush,
  getLevels,
  getLogger,
  isTracelaneError,
  levelEndpoint,
  runWithTrace,
  setLevel,
  type Threshold,
} from 'tracelane'
import { jsonLinesOf, runNode, tempFolder, until } from '../support'
import { call } from '../support/call'
import { serve, type TestServer } from '../support/http-server'

const setUp = (): void => {
  void configure({ thread: false, level: 'warn', sinks: [fileSink({ path: join(tempFolder(), 'a.log') })] })
}

describe('setLevel()', () => {
  beforeEach(setUp)
  afterEach(async () => {
    await close()
  })

  it('changes a logger and those below it at once, until it is taken away', () => {
    const [db, pool, other] = ['orders.db', 'orders.db.pool', 'orders'].map(getLogger)
    setLevel('orders.db', 'debug')
    expect([db, pool, other].map((log) => log?.isEnabled('debug'))).to.deep.equal([true, true, false])
    setLevel('orders.db', 'off')
    expect(pool?.isEnabled('fatal')).to.equal(false)
    setLevel('orders.db', undefined)
    expect(pool?.isEnabled('warn')).to.equal(true)
    expect(pool?.isEnabled('info')).to.equal(false)
    setLevel('root', 'all')
    expect(pool?.isEnabled('trace')).to.equal(true)
  })

  it('is forgotten by the next configure()', () => {
    setLevel('x', 'trace', { forMs: 60_000 })
    void configure({ thread: false, level: 'warn', levels: { x: 'error' } })
    expect(getLevels()['x']).to.deep.equal({ configuredLevel: 'error', effectiveLevel: 'error', expiresAt: undefined })
  })

  it('falls back after a while to what was before, however often it is set until then', async () => {
    setLevel('falls.back', 'info')
    setLevel('falls.back', 'debug', { forMs: 60_000 })
    const before = Date.now()
    setLevel('falls.back', 'trace', { forMs: 20 })
    expect(getLevels()['falls.back']?.expiresAt).to.be.within(before + 20, Date.now() + 20)
    expect(getLogger('falls.back').isEnabled('trace')).to.equal(true)
    await until('it fell back', () => !getLogger('falls.back').isEnabled('trace'))
    expect(getLevels()['falls.back']).to.deep.equal({ configuredLevel: 'info', effectiveLevel: 'info', expiresAt: undefined })
  })

  it('that is set for good does not fall back', async () => {
    setLevel('for.good', 'debug', { forMs: 20 })
    setLevel('for.good', 'info')
    setLevel('witness', 'debug', { forMs: 30 })
    await until('the other fell back', () => getLevels()['witness']?.configuredLevel === undefined)
    expect(getLevels()['for.good']?.configuredLevel).to.equal('info')
  })

  it('does not keep the process alive while it waits', async () => {
    const script = `
      const { setLevel, runWithTrace } = require('tracelane')
      runWithTrace(() => setLevel('x', 'debug', { forMs: 600_000 }))
      console.log('set')`
    expect(await runNode(['-e', script], { deadlineMs: 20_000 })).to.deep.include({ code: 0, stdout: 'set\n' })
  })

  const wrong: Readonly<Record<string, () => void>> = {
    'an unknown level': () => setLevel('x', 'loud' as Threshold),
    'no level for the root': () => setLevel('', undefined),
    'a time that is none': () => setLevel('x', 'info', { forMs: 0 }),
    'no name': () => setLevel(undefined as unknown as string, 'info'),
  }
  for (const [what, work] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      const before = getLevels()
      let thrown: unknown
      try {
        work()
      } catch (error) {
        thrown = error
      }
      expect(isTracelaneError(thrown)).to.equal(true)
      expect(getLevels()).to.deep.equal(before)
    })
  }
})

describe('getLevels()', () => {
  afterEach(async () => {
    await close()
  })

  it('has every logger with its own level and the one that counts, the root first', () => {
    void configure({ thread: false, level: 'warn', levels: { 'levels.a': 'debug' } })
    getLogger('levels.a.b')
    const levels = getLevels()
    expect(Object.keys(levels)[0]).to.equal('ROOT')
    expect(levels).to.deep.include({
      ROOT: { configuredLevel: 'warn', effectiveLevel: 'warn', expiresAt: undefined },
      levels: { configuredLevel: undefined, effectiveLevel: 'warn', expiresAt: undefined },
      'levels.a': { configuredLevel: 'debug', effectiveLevel: 'debug', expiresAt: undefined },
      'levels.a.b': { configuredLevel: undefined, effectiveLevel: 'debug', expiresAt: undefined },
    })
  })
})

describe('levelEndpoint()', () => {
  const token = 'a-secret-of-some-length'
  const authorization = `Bearer ${token}`
  const servers: Readonly<Record<string, () => Promise<TestServer>>> = {
    'node:http': () => serve(levelEndpoint({ token })),
    Express: () => serve(express().use('/levels', levelEndpoint({ token }))),
    'Express behind a parser of bodies': () => serve(express().use(express.json()).use('/levels', levelEndpoint({ token }))),
  }

  beforeEach(setUp)
  afterEach(async () => {
    await close()
  })

  for (const [name, start] of Object.entries(servers)) {
    describe(`on ${name}`, () => {
      let server: TestServer
      const ask = async (method: string, body?: unknown, headers: Record<string, string> = { authorization }) => {
        const json = { ...headers, 'content-type': 'application/json' }
        const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
        const answer = await call(`${server.origin}/levels`, { method, headers: json }, text)
        return { status: answer.status, body: JSON.parse(answer.body) as Record<string, unknown>, headers: answer.headers }
      }

      beforeEach(async () => {
        server = await start()
      })
      afterEach(async () => {
        await server.close()
      })

      it('lists the levels', async () => {
        setLevel('listed.one', 'debug')
        const { status, body, headers } = await ask('GET')
        expect(status).to.equal(200)
        expect(headers).to.include({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
        expect(body['levels']).to.deep.equal(['all', 'trace', 'debug', 'info', 'warn', 'error', 'fatal', 'off'])
        expect(body['loggers']).to.deep.include({
          ROOT: { configuredLevel: 'warn', effectiveLevel: 'warn' },
          listed: { configuredLevel: null, effectiveLevel: 'warn' },
          'listed.one': { configuredLevel: 'debug', effectiveLevel: 'debug' },
        })
      })

      for (const method of ['PUT', 'POST'])
        it(`sets a level by ${method}, and takes it away`, async () => {
          const set = await ask(method, { logger: 'set.one', level: 'DEBUG' })
          expect(set).to.deep.include({
            status: 200,
            body: { logger: 'set.one', configuredLevel: 'debug', effectiveLevel: 'debug' },
          })
          expect(getLogger('set.one.below').isEnabled('debug')).to.equal(true)
          const taken = await ask(method, { logger: 'set.one', level: null })
          expect(taken.body).to.deep.equal({ logger: 'set.one', configuredLevel: null, effectiveLevel: 'warn' })
          expect(getLogger('set.one.below').isEnabled('debug')).to.equal(false)
        })

      it('sets a level for a number of seconds', async () => {
        const before = Date.now()
        const { body } = await ask('PUT', { logger: 'expiring', level: 'trace', for: 1 })
        const at = Date.parse(body['expiresAt'] as string)
        expect(at).to.be.within(before + 1000, Date.now() + 1000)
        expect(getLogger('expiring').isEnabled('trace')).to.equal(true)
        await until('it expired', () => !getLogger('expiring').isEnabled('trace'))
        expect(Date.now()).to.be.at.least(at - 2)
        expect(getLevels()['expiring']?.configuredLevel).to.equal(undefined)
      })

      it('tells and changes nothing without the token', async () => {
        const wrong = ['', 'Bearer', `Bearer ${token}x`, `Bearer ${token.slice(1)}`, token, `Basic ${token}`]
        for (const one of wrong) {
          for (const method of ['GET', 'PUT', 'DELETE']) {
            const body = method === 'PUT' ? { logger: 'kept', level: 'trace' } : undefined
            const answer = await ask(method, body, one === '' ? {} : { authorization: one })
            expect(answer).to.deep.include({ status: 401, body: { error: 'unauthorized' } })
            expect(answer.headers['www-authenticate']).to.equal('Bearer realm="tracelane"')
          }
        }
        expect(getLogger('kept').isEnabled('info')).to.equal(false)
      })

      const refused: Readonly<Record<string, readonly [body: unknown, error: RegExp]>> = {
        'no name': [{ level: 'info' }, /'logger' must be a name/],
        'a name that is too long': [{ logger: 'x'.repeat(257), level: 'info' }, /'logger' must be a name/],
        'an unknown level': [{ logger: 'x', level: 'loud' }, /'level' must be one of all, trace/],
        'no level': [{ logger: 'x' }, /'level' must be one of/],
        'a time that is none': [{ logger: 'x', level: 'info', for: '1' }, /'for' must be an integer from 1 to 2147483/],
        'no level for the root': [{ logger: 'ROOT', level: null }, /the root logger must have a level/],
        'an array': [[], /'logger' must be a name/],
      }
      for (const [what, [body, error]] of Object.entries(refused)) {
        it(`refuses ${what}`, async () => {
          const answer = await ask('POST', body)
          expect(answer.status).to.equal(400)
          expect(answer.body['error']).to.match(error)
        })
      }

      it('knows no other method', async () => {
        const answer = await ask('DELETE')
        expect(answer.status).to.equal(405)
        expect(answer.headers['allow']).to.equal('GET, PUT, POST')
      })
    })
  }

  it('refuses what is no JSON, and what is too large, and goes on', async () => {
    const server = await serve(levelEndpoint({ token }))
    const put = (body: string) => call(server.origin, { method: 'PUT', headers: { authorization } }, body)
    for (const body of ['', '{', 'null', '"x"']) expect((await put(body)).status, body).to.equal(400)
    expect((await put(JSON.stringify({ logger: 'x', level: 'info', more: 'x'.repeat(5000) }))).status).to.equal(413)
    expect((await put('x'.repeat(1_000_000))).status).to.equal(413)
    expect((await put('{"logger":"x","level":"info"}')).status).to.equal(200)
    await server.close()
  })

  it('needs a token, and one that cannot be guessed', () => {
    for (const options of [undefined, {}, { token: '' }, { token: 'short' }]) {
      expect(() => levelEndpoint(options as { token: string })).to.throw(/secret text of at least 16 characters|takes an object/)
    }
  })

  it('lets lines through from then on', async () => {
    const path = join(tempFolder(), 'b.log')
    void configure({ thread: false, level: 'warn', sinks: [fileSink({ path })] })
    const server = await serve(levelEndpoint({ token }))
    const log = getLogger('live')
    log.debug('before')
    const id = await runWithTrace(async () => {
      await call(server.origin, { method: 'PUT', headers: { authorization } }, '{"logger":"live","level":"debug"}')
      log.debug('after')
      return currentTraceId()
    })
    await server.close()
    await flush()
    expect(jsonLinesOf(path).map(({ msg, traceId }) => [msg, traceId])).to.deep.equal([['after', id]])
  })
})
