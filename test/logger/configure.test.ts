import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, consoleSink, fileSink, flush, getLogger, isTracelaneError, type LoggingOptions } from 'tracelane'
import { messagesIn, projectRoot, runNode, tempFolder } from '../support'

/* What `configure(options)` says on the channel of failures. */
function toldBy(options: LoggingOptions): string[] {
  const told: string[] = []
  const hear = (message: unknown): void => {
    const { kind, message: text } = message as { kind: string; message: string }
    if (kind === 'configure') told.push(...text.split('; '))
  }
  subscribe('tracelane.failure', hear)
  void configure(options)
  unsubscribe('tracelane.failure', hear)
  return told
}

describe('configure()', () => {
  let folder: string
  const file = (name: string) => fileSink({ path: join(folder, name) })

  beforeEach(() => {
    folder = tempFolder()
  })

  afterEach(async () => {
    await close()
  })

  describe('appenders', () => {
    it('beside sinks, which stay the shorthand for one appender of the root', async () => {
      void configure({
        thread: false,
        sinks: [file('all.log')],
        appenders: { audit: { sink: file('audit.log') }, both: { sinks: [file('b1.log'), file('b2.log')] } },
        loggers: { 'orders.audit': { appenders: ['audit'], additivity: false }, orders: { appenders: ['both'] } },
      })
      getLogger('orders.audit.login').info('audited')
      getLogger('orders').info('ordered')
      getLogger('other').info('other')
      await flush()
      const files = ['all.log', 'audit.log', 'b1.log', 'b2.log'].map((name) => messagesIn(join(folder, name)))
      expect(files).to.deep.equal([['ordered', 'other'], ['audited'], ['ordered'], ['ordered']])
    })

    it('without sinks leave the console alone', async () => {
      const script = `
        const { configure, fileSink, getLogger } = require('tracelane')
        configure({ appenders: { a: { sink: fileSink({ path: ${JSON.stringify(join(folder, 'a.log'))} }) } }, root: { appenders: ['a'] } })
        getLogger('x').info('to the file')`
      const { stdout, stderr } = await runNode(['-e', script], { cwd: projectRoot })
      expect({ stdout, stderr }).to.deep.equal({ stdout: '', stderr: '' })
      expect(messagesIn(join(folder, 'a.log'))).to.deep.equal(['to the file'])
    })

    it('take options of their own, and the others from beside them', async () => {
      // Nothing can be written before the folder is there
      const later = join(folder, 'later')
      writeFileSync(later, '')
      void configure({
        thread: true,
        queueBytes: 4096,
        appenders: { small: { sink: file('later/small.log') }, large: { sink: file('later/large.log'), queueBytes: 1_000_000 } },
        root: { appenders: ['small', 'large'] },
      })
      for (let i = 0; i < 20; i++) getLogger('x').info('y'.repeat(300))
      unlinkSync(later)
      await flush({ deadlineMs: 10_000 })
      expect(messagesIn(join(later, 'large.log'))).to.have.length(20)
      expect(messagesIn(join(later, 'small.log')).filter((msg) => msg.startsWith('y')).length).to.be.lessThan(15)
    })

    it('whose name and options stay the same go on as they are, with what waits in them', async () => {
      const options = (level: 'info' | 'debug'): LoggingOptions => ({
        level,
        flushIntervalMs: 60_000,
        appenders: { kept: { sink: file('kept.log') }, changed: { sink: file('changed.log'), level } },
        root: { appenders: ['kept', 'changed'] },
      })
      void configure(options('info'))
      getLogger('x').info('one')
      const replaced = await configure(options('debug'))
      expect(replaced).to.deep.equal({ delivered: 2, discarded: 0, failed: 0, pending: 0 })
      getLogger('x').debug('two')
      // What was replaced begins to count anew, what was kept goes on
      expect(await flush()).to.include({ delivered: 3 })
      expect(messagesIn(join(folder, 'kept.log'))).to.deep.equal(['one', 'two'])
      expect(messagesIn(join(folder, 'changed.log'))).to.deep.equal(['one', 'two'])
    })
  })

  describe('says', () => {
    const appenders = () => ({ a: { sink: file('same.log') }, b: { sinks: [file('same.log')] }, c: { sink: consoleSink() } })

    const table: Readonly<Record<string, readonly [options: () => LoggingOptions, told: readonly (string | RegExp)[]]>> = {
      'that a line reaches a file twice, by two loggers': [
        () => ({ appenders: appenders(), root: { appenders: ['a'] }, loggers: { x: { appenders: ['b'] }, 'x.y': {} } }),
        [/^a line of logger 'x' reaches the file .*same\.log 2 times: by appender 'b' and appender 'a'$/],
      ],
      'that a line reaches stdout twice, by the shorthand and an appender': [
        () => ({ sinks: [consoleSink()], appenders: appenders(), loggers: { x: { appenders: ['c'] } } }),
        ["a line of logger 'x' reaches stdout 2 times: by appender 'c' and the option 'sinks'"],
      ],
      'that one appender takes a line at two loggers': [
        () => ({ appenders: appenders(), root: { appenders: ['c'] }, loggers: { x: { appenders: ['c'] } } }),
        ["a line of logger 'x' reaches stdout 2 times: by appender 'c' (2 times)"],
      ],
      'that one appender has a sink twice': [
        () => ({ sinks: [file('twice.log'), file('twice.log')] }),
        [/^a line of the root logger reaches the file .*twice\.log 2 times: by the option 'sinks' \(2 times\)$/],
      ],
      'that the root reaches no sink, and nothing of those below that inherit that': [
        () => ({ appenders: appenders(), levels: { y: 'debug' }, loggers: { x: { appenders: ['c'] }, 'x.z': {} } }),
        ["the lines of the root logger reach no sink: attach an appender, or set its level to 'off'"],
      ],
      'that a logger which is not additive reaches no sink': [
        () => ({ loggers: { x: { additivity: false } } }),
        ["the lines of logger 'x' reach no sink: attach an appender, or set its level to 'off'"],
      ],
      'that an appender whose level is off is no sink': [
        () => ({ appenders: { a: { sink: consoleSink(), level: 'off' } }, root: { appenders: ['a'] } }),
        ["the lines of the root logger reach no sink: attach an appender, or set its level to 'off'"],
      ],
      'nothing of loggers that are off': [
        () => ({ loggers: { x: { additivity: false, level: 'off' } }, appenders: appenders(), root: { level: 'off' } }),
        [],
      ],
      'nothing where additivity keeps two appenders apart': [
        () => ({ appenders: appenders(), root: { appenders: ['a'] }, loggers: { x: { appenders: ['b'], additivity: false } } }),
        [],
      ],
      'nothing by default': [() => ({}), []],
    }
    for (const [what, [options, expected]] of Object.entries(table)) {
      it(what, () => {
        const told = toldBy(options())
        expect(told).to.have.length(expected.length)
        for (const [i, one] of expected.entries()) {
          if (typeof one === 'string') expect(told[i]).to.equal(one)
          else expect(told[i]).to.match(one)
        }
      })
    }
  })

  describe('refuses', () => {
    const sink = consoleSink()
    const table: Readonly<Record<string, readonly [options: unknown, message: RegExp]>> = {
      'an appender without sinks': [{ appenders: { a: {} } }, /appender 'a' needs either 'sinks', a list, or 'sink'/],
      'an appender with both': [{ appenders: { a: { sink, sinks: [sink] } } }, /appender 'a' needs either/],
      'an unknown option of an appender': [
        { appenders: { a: { sink, levle: 'info' } } },
        /appender 'a' does not know 'levle': did you mean 'level'/,
      ],
      'an appender that nobody has defined': [
        { appenders: { audit: { sink } }, loggers: { x: { appenders: ['audti'] } } },
        /logger 'x' names the appender 'audti', which is not among 'appenders': there are audit/,
      ],
      'the same at the root': [{ root: { appenders: ['a'] } }, /root names the appender 'a', .*: there are none/],
      'an unknown option of a logger': [
        { loggers: { x: { additive: false } } },
        /logger 'x' does not know 'additive': did you mean 'additivity'/,
      ],
      'additivity of the root, which has nothing above it': [{ root: { additivity: false } }, /root does not know 'additivity'/],
      'two levels for one logger': [{ levels: { x: 'info' }, loggers: { x: { level: 'debug' } } }, /two levels for logger 'x'/],
      'two levels for the root': [{ level: 'info', root: { level: 'info' } }, /two levels for the root/],
      'a sink with wrong options': [{ sinks: [{ kind: 'file', options: {} }] }, /fileSink needs 'path'/],
      'a sink of an unknown kind': [{ appenders: { a: { sink: { kind: 'fax' } } } }, /'sink' must be a sink, as fileSink\(\)/],
      'loggers that are no object': [{ loggers: ['x'] }, /'loggers' must be an object of options by name, not this list/],
    }
    for (const [what, [options, message]] of Object.entries(table)) {
      it(`${what}, and changes nothing`, async () => {
        void configure({ thread: false, level: 'warn', sinks: [file('before.log')] })
        let thrown: unknown
        try {
          void configure(options as LoggingOptions)
        } catch (error) {
          thrown = error
        }
        expect(isTracelaneError(thrown)).to.equal(true)
        expect((thrown as Error).message).to.match(message)
        getLogger('x').info('no')
        getLogger('x').warn('still there')
        await flush()
        expect(messagesIn(join(folder, 'before.log'))).to.deep.equal(['still there'])
      })
    }
  })

  describe('the environment', () => {
    const script = (setUp: string) => `
      const { configure, getLogger } = require('tracelane'); ${setUp}
      for (const name of ['orders', 'orders.db', 'orders.db.pool']) getLogger(name).debug(name)`
    const said = async (setUp: string, env: Record<string, string>): Promise<string[]> => {
      const { stdout } = await runNode(['-e', script(setUp)], { cwd: projectRoot, env })
      return stdout.match(/"msg":"[\w.]+"/g)?.map((one) => one.slice(7, -1)) ?? []
    }

    for (const setUp of ['', 'configure()'])
      it(`gives levels by name, in any case, ${setUp === '' ? 'without' : 'with'} configure()`, async () => {
        const levels = ' orders.db = DEBUG , orders.db.pool=off,'
        expect(await said(setUp, { TRACELANE_LEVELS: levels })).to.deep.equal(['orders.db'])
      })

    it('wins over nothing that is given in the program', async () => {
      const env = { TRACELANE_LEVELS: 'orders=debug,orders.db=debug', TRACELANE_LEVEL: 'trace' }
      expect(await said(`configure({ level: 'info', levels: { 'orders.db': 'warn' } })`, env)).to.deep.equal(['orders'])
    })

    it('with a level that does not exist is refused by configure(), and told without', async () => {
      const env = { TRACELANE_LEVELS: 'orders=loud' }
      const refused = await runNode(['-e', script('configure()')], { cwd: projectRoot, env })
      expect(refused.code).to.equal(1)
      expect(refused.stderr).to.match(/TRACELANE_LEVELS for 'orders' must be one of all, trace/)
      const told = await runNode(['-e', script('')], { cwd: projectRoot, env })
      expect(told.stderr).to.match(/^tracelane: .*TRACELANE_LEVELS for 'orders' must be one of/)
      expect(told.code).to.equal(0)
    })
  })
})
