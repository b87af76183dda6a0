import { Console } from 'node:console'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, currentTraceId, runWithTrace } from 'tracelane'
import { type ConsoleLike, routeConsole, traceConsole } from 'tracelane/adapters/console'
import { type CapturedEvents, captureEvents } from 'tracelane/testing'
import { internalFailure } from '../../lib/diagnostics'
import { allRight, interleavedUsers, jsonLinesOf, projectFile, runNode, tempFolder } from '../support'
import { SlowDestination } from './support'

describe('adapters/console', () => {
  let out: SlowDestination
  let target: Console

  beforeEach(() => {
    out = new SlowDestination()
    target = new Console(out, out)
  })

  async function printed(): Promise<string[]> {
    out.end()
    await new Promise((resolve) => out.once('finish', resolve))
    return out.lines
  }

  describe('traceConsole()', () => {
    let restore: () => void

    beforeEach(() => {
      restore = traceConsole(target)
    })

    it('puts the trace id before texts, formats and objects', async () => {
      const id = runWithTrace(() => {
        target.log('plain')
        target.info('%s has %d', 'cart', 3)
        target.warn({ a: 1 }, 'more')
        target.error(7)
        return currentTraceId()
      })
      expect(await printed()).to.deep.equal([`[${id}] plain`, `[${id}] cart has 3`, `[${id}] { a: 1 } more`, `[${id}] 7`])
    })

    it('changes nothing outside any trace, nor an empty line', async () => {
      target.log('plain')
      runWithTrace(() => target.log())
      expect(await printed()).to.deep.equal(['plain', ''])
    })

    it('gives every line of 100 interleaved users its own id', async () => {
      const flows = Array.from({ length: 100 }, (_, user) =>
        runWithTrace(async () => {
          for (let i = 0; i < 20; i++) {
            target.log(`user=${user} id=${currentTraceId()}`)
            await new Promise((resolve) => setImmediate(resolve))
          }
        }),
      )
      await Promise.all(flows)
      const lines = await printed()
      expect(lines).to.have.length(2000)
      expect(lines.filter((line) => !/^\[([0-9a-f]{32})\] user=\d+ id=\1$/.test(line))).to.deep.equal([])
    })

    it('is undone by the returned function, also below a later patch', () => {
      const below = target.log
      const later = (...args: unknown[]): void => below.apply(target, args)
      target.log = later
      restore()
      expect(target.log).to.equal(later)
      runWithTrace(() => target.log('plain'))
      expect(out.lines).to.deep.equal(['plain'])
      expect(target.info).not.to.equal(target.log)
    })

    it('changes nothing more the second time, puts one id on console.trace(), and refuses routeConsole()', async () => {
      expect(traceConsole(target)).to.equal(restore)
      const id = runWithTrace(() => {
        target.trace('here')
        return currentTraceId()
      })
      expect(() => routeConsole({ target })).to.throw('ERR_TRACELANE_CONSOLE_PATCHED')
      restore()
      routeConsole({ target })()
      expect((await printed()).filter((line) => line.includes(id as string))).to.deep.equal([`Trace: [${id}] here`])
    })
  })

  describe('routeConsole()', () => {
    let captured: CapturedEvents
    let restore: () => void

    beforeEach(async () => {
      await configure({ level: 'all' })
      captured = captureEvents()
      restore = routeConsole({ target })
    })

    afterEach(async () => {
      restore()
      captured.restore()
      await close()
    })

    const said = () => captured.events.map(({ level, logger, msg }) => [level, logger, msg])
    const line = () => JSON.parse(captured.lines.at(-1) as string) as Record<string, unknown>

    it('gives each line of 100 interleaved users its own id under backpressure, once', async () => {
      expect(await interleavedUsers('console.cjs')).to.deep.equal(allRight())
    })

    it('makes an event of each call, with the text that the console would print, and prints nothing', async () => {
      const id = runWithTrace(() => {
        target.log('plain')
        target.info('%s has %d, %j', 'cart', 3, { a: 1 })
        target.warn({ a: 1 }, 'more')
        target.error(7)
        target.debug('100% of', 2)
        return currentTraceId()
      })
      expect(said()).to.deep.equal([
        ['info', 'console', 'plain'],
        ['info', 'console', 'cart has 3, {"a":1}'],
        ['warn', 'console', '{ a: 1 } more'],
        ['error', 'console', '7'],
        ['debug', 'console', '100% of 2'],
      ])
      expect(captured.events.every(({ traceId }) => traceId === id)).to.equal(true)
      expect(await printed()).to.deep.equal([])
    })

    it('keeps stack and cause of an error, which a placeholder takes as text', () => {
      const error = new TypeError('no', { cause: new Error('deep') })
      target.error('failed', error, 7)
      expect(line()).to.deep.include({ msg: 'failed 7' })
      expect(line()).to.have.nested.include({ 'err.type': 'TypeError', 'err.stack': error.stack, 'err.cause.message': 'deep' })
      target.error(error)
      expect(line()).to.have.nested.include({ msg: 'no', 'err.cause.message': 'deep' })
      target.error('failed: %s', error.message, error)
      expect(line()).to.have.nested.include({ msg: 'failed: no', 'err.type': 'TypeError' })
      target.error('failed: %s', error)
      expect(line()).to.not.have.property('err')
    })

    it('has the stack of console.trace() in a field, from its caller on', () => {
      target.trace('here %d', 1)
      expect(line()).to.include({ level: 'trace', msg: 'here 1' })
      expect(String(line()['stack']).split('\n')[0]).to.contain('console.test')
    })

    it('makes events of what Node prints by these methods, and leaves tables, groups and dir alone', async () => {
      target.count('cups')
      target.time('tea')
      target.timeLog('tea')
      target.timeEnd('tea')
      target.assert(false, 'not %s', 'so')
      target.table([{ a: 1 }])
      target.dir({ a: 1 })
      target.dirxml('xml')
      target.group('group')
      target.groupEnd()
      target.log('after')
      expect(said().map(([level, logger, msg]) => [level, logger, String(msg).replace(/[\d.]+ms$/, 'TIME')])).to.deep.equal([
        ['info', 'console', 'cups: 1'],
        ['info', 'console', 'tea: TIME'],
        ['info', 'console', 'tea: TIME'],
        ['warn', 'console', 'Assertion failed: not so'],
        ['info', 'console', 'after'],
      ])
      const lines = await printed()
      expect(lines.filter((one) => /\b(xml|group)$|{ a: 1 }/.test(one))).to.deep.equal(['{ a: 1 }', 'xml', 'group'])
      expect(lines.filter((one) => one.startsWith('┌'))).to.have.length(1)
    })

    it('respects the level of its logger name', async () => {
      restore()
      captured.restore()
      await configure({ level: 'off', levels: { legacy: 'warn' } })
      captured = captureEvents()
      restore = routeConsole({ target, logger: 'legacy' })
      for (const method of ['debug', 'log', 'warn', 'error'] as const) target[method](method)
      expect(said()).to.deep.equal([
        ['warn', 'legacy', 'warn'],
        ['error', 'legacy', 'error'],
      ])
    })

    it('restores each method exactly, and changes nothing more the second time', () => {
      restore()
      const before = Object.getOwnPropertyDescriptors(target)
      const again = routeConsole({ target })
      expect(routeConsole({ target })).to.equal(again)
      expect(() => traceConsole(target as ConsoleLike)).to.throw('ERR_TRACELANE_CONSOLE_PATCHED')
      target.log('once')
      expect(captured.events).to.have.length(1)
      again()
      again()
      expect(Object.getOwnPropertyDescriptors(target)).to.deep.equal(before)
      const methods = { log: () => {} }
      const child = Object.create(methods) as Console
      routeConsole({ target: child })()
      expect(Object.keys(child)).to.deep.equal([])
    })

    it('prints what is printed while an event is made, so that nothing turns in a circle', async () => {
      const listen = () => target.error('listener')
      internalFailure.subscribe(listen)
      try {
        target.log('%s', {
          toString() {
            target.log('inside')
            internalFailure.publish({ kind: 'test', message: 'x' })
            return 'made'
          },
        })
      } finally {
        internalFailure.unsubscribe(listen)
      }
      expect(said()).to.deep.equal([['info', 'console', 'made']])
      expect(await printed()).to.deep.equal(['inside', 'listener'])
    })

    it('says in the line when an argument throws, and never throws itself', () => {
      target.log({
        [Symbol.for('nodejs.util.inspect.custom')]() {
          throw new Error('no')
        },
      })
      expect(said()).to.deep.equal([['info', 'console', '[arguments threw: no]']])
    })

    it('has the place of the call for appenders that ask, and is set up by TRACELANE_CONFIG', async () => {
      const folder = tempFolder()
      const config = join(folder, 'tracelane.json')
      const sink = { kind: 'file', options: { path: join(folder, 'out.log') } }
      const appenders = { placed: { sink, caller: true } }
      writeFileSync(config, JSON.stringify({ level: 'debug', appenders, root: { appenders: ['placed'] } }))
      writeFileSync(
        join(folder, 'app.cjs'),
        `require(${JSON.stringify(projectFile('dist/console.js'))}).routeConsole()\nconsole.debug('first')\n`,
      )
      const { stdout, stderr } = await runNode([join(folder, 'app.cjs')], { env: { TRACELANE_CONFIG: config } })
      expect([stdout, stderr]).to.deep.equal(['', ''])
      const [line] = jsonLinesOf(join(folder, 'out.log'))
      expect(line).to.deep.include({ level: 'debug', msg: 'first', caller: { file: join(folder, 'app.cjs'), line: 2 } })
    })

    it('refuses wrong options', () => {
      expect(() => routeConsole({ target: 1 } as never)).to.throw('ERR_TRACELANE_OPTION_INVALID')
    })

    it('writes each line once where the console and a sink are the same stream, with and without a flush thread', async () => {
      for (const thread of [true, false]) {
        const program = `
          const { configure, consoleSink } = require('tracelane')
          const { routeConsole } = require('tracelane/adapters/console')
          configure({ sinks: [consoleSink({ layout: 'json' })], thread: ${thread} })
          routeConsole()
          console.log('a')
          console.error('b')`
        const { stdout, stderr } = await runNode(['-e', program])
        const written = stdout.split('\n').slice(0, -1)
        expect(written.map((one) => (JSON.parse(one) as { msg: string }).msg)).to.deep.equal(['a', 'b'])
        expect(stderr).to.equal('')
      }
    })
  })
})
