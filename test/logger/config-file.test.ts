import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  close,
  configure,
  fileSink,
  flush,
  getLevels,
  getLogger,
  isTracelaneError,
  type LoggingOptions,
  setLevel,
} from 'tracelane'
import { messagesIn, projectRoot, runNode, startNode, tempFolder, until } from '../support'

describe('the file of options', () => {
  let folder: string
  let path: string
  let told: string[]
  const sink = (name: string) => ({ kind: 'file', options: { path: join(folder, name) } })
  const write = (options: unknown): void => writeFileSync(path, JSON.stringify(options))
  const hear = (message: unknown): void => {
    const { kind, message: text } = message as { kind: string; message: string }
    if (kind === 'configuration-file') told.push(text)
  }

  beforeEach(() => {
    folder = tempFolder()
    path = join(folder, 'tracelane.json')
    told = []
    subscribe('tracelane.failure', hear)
  })

  afterEach(async () => {
    unsubscribe('tracelane.failure', hear)
    await close()
  })

  it('sets up everything, sinks as data, and may begin with a byte order mark', async () => {
    const options = {
      service: 'from-file',
      level: 'warn',
      levels: { a: 'debug' },
      thread: false,
      sinks: [sink('all.log')],
      appenders: { errors: { sink: sink('errors.log'), level: 'error' } },
      loggers: { 'a.b': { appenders: ['errors'] } },
    }
    writeFileSync(path, `\ufeff${JSON.stringify(options)}`)
    void configure({ file: path })
    getLogger('a.b').debug('debug')
    getLogger('a.b').error('error')
    getLogger('c').info('no')
    await flush()
    expect(messagesIn(join(folder, 'all.log'))).to.deep.equal(['debug', 'error'])
    expect(messagesIn(join(folder, 'errors.log'))).to.deep.equal(['error'])
    expect(readFileSync(join(folder, 'all.log'), 'utf8')).to.include('"service":"from-file"')
  })

  it('gives way to the environment, and that to the program; levels and appenders name by name', async () => {
    const file = {
      level: 'error',
      levels: { a: 'error', b: 'error', c: 'error', d: 'error' },
      thread: false,
      sinks: [sink('f.log')],
    }
    write({ ...file, loggers: { e: { level: 'error', appenders: ['mine'] } }, appenders: { other: { sink: sink('other.log') } } })
    const script = `
      const { configure, fileSink, getLevels } = require('tracelane')
      configure({ levels: { c: 'trace' }, level: undefined, appenders: { mine: { sink: fileSink({ path: 'x.log' }) } }, sinks: undefined })
      const levels = Object.entries(getLevels()).map(([name, { configuredLevel }]) => [name, configuredLevel])
      console.log(JSON.stringify(Object.fromEntries(levels)))`
    const env = { TRACELANE_CONFIG: path, TRACELANE_LEVEL: 'info', TRACELANE_LEVELS: 'b=debug,c=debug,e=debug' }
    const { stdout, stderr } = await runNode(['-e', script], { cwd: projectRoot, env })
    expect(stderr).to.equal('')
    expect(JSON.parse(stdout)).to.deep.equal({ ROOT: 'info', a: 'error', b: 'debug', c: 'trace', d: 'error', e: 'debug' })
  })

  it('of TRACELANE_CONFIG counts without configure() too; one that cannot be used is told there, and refused by configure()', async () => {
    write({ levels: { x: 'debug' } })
    const script = (setUp: string) => `const { configure, getLogger } = require('tracelane'); ${setUp}; getLogger('x').debug('m')`
    const good = await runNode(['-e', script('')], { cwd: projectRoot, env: { TRACELANE_CONFIG: path } })
    expect(JSON.parse(good.stdout)).to.include({ msg: 'm' })
    write({ levels: { x: 'loud' } })
    const told = await runNode(['-e', script('')], { cwd: projectRoot, env: { TRACELANE_CONFIG: path } })
    expect(told).to.deep.include({ code: 0, stdout: '' })
    expect(told.stderr).to.match(/^tracelane: .*the file .*tracelane\.json: 'levels' must be an object of levels/)
    const refused = await runNode(['-e', script('configure()')], { cwd: projectRoot, env: { TRACELANE_CONFIG: path } })
    expect(refused.code).to.equal(1)
  })

  const wrong: Readonly<Record<string, readonly [content: string, message: RegExp]>> = {
    'no JSON, of which nothing is told': [
      '{ "token": secret }',
      /tracelane\.json: it is not valid JSON \(ERR_TRACELANE_FILE_UNREADABLE\)$/,
    ],
    'no object': ['[]', /they must be an object/],
    'an unknown option': ['{ "sink": [] }', /the file .*tracelane\.json does not know 'sink': did you mean 'sinks'/],
    'another file': ['{ "file": "x" }', /does not know 'file'/],
    'a wrong sink': ['{ "sinks": [{ "kind": "file", "options": { "path": "" } }] }', /fileSink: 'path' must be a text/],
    'a wrong interval': ['{ "watchIntervalMs": 1 }', /'watchIntervalMs' must be 0 or an integer from 50/],
  }
  for (const [what, [content, message]] of Object.entries(wrong)) {
    it(`is refused with ${what}, and nothing changes`, () => {
      void configure({ thread: false, levels: { kept: 'trace' } })
      writeFileSync(path, content)
      let thrown: unknown
      try {
        void configure({ file: path })
      } catch (error) {
        thrown = error
      }
      expect(isTracelaneError(thrown)).to.equal(true)
      expect((thrown as Error).message).to.match(message)
      expect((thrown as Error).message).to.not.include('secret')
      expect(getLevels()['kept']?.configuredLevel).to.equal('trace')
    })
  }

  it('that is not there is refused', () => {
    expect(() => configure({ file: path })).to.throw(/ENOENT.*ERR_TRACELANE_FILE_UNREADABLE/)
  })

  describe('that is watched', () => {
    const options = (level: string): unknown => ({ levels: { watched: level }, thread: false, sinks: [sink('w.log')] })
    const levelIs = (level: string): Promise<unknown> =>
      until(`the level is ${level}`, () => getLevels()['watched']?.configuredLevel === level)
    const begin = (more: LoggingOptions = { watchIntervalMs: 50 }): void => {
      write(options('warn'))
      void configure({ file: path, ...more })
    }

    const changes: Readonly<Record<string, () => void>> = {
      'written over': () => write(options('debug')),
      'replaced by another, as editors do': () => {
        writeFileSync(`${path}.new`, JSON.stringify(options('debug')))
        renameSync(`${path}.new`, path)
      },
      'moved away and made anew, as editors do': () => {
        renameSync(path, `${path}~`)
        write(options('debug'))
      },
    }
    for (const [how, change] of Object.entries(changes)) {
      it(`counts again when it is ${how}, each time`, async () => {
        begin()
        const log = getLogger('watched')
        change()
        await levelIs('debug')
        log.debug('written')
        write(options('error'))
        await levelIs('error')
        log.warn('not written')
        await flush()
        expect(messagesIn(join(folder, 'w.log'))).to.deep.equal(['written'])
        expect(told).to.deep.equal([])
      })
    }

    it('counts again when the link to it leads elsewhere, as in a mounted ConfigMap', async () => {
      const versions = ['warn', 'debug'].map((level) => {
        const version = join(folder, level)
        writeFileSync(version, JSON.stringify(options(level)))
        return version
      })
      symlinkSync(versions[0] as string, path)
      void configure({ file: path, watchIntervalMs: 50 })
      symlinkSync(versions[1] as string, `${path}.new`)
      renameSync(`${path}.new`, path)
      await levelIs('debug')
    })

    it('and cannot be used leaves the loggers as they are, says so, and counts when it is well again', async () => {
      begin()
      writeFileSync(path, '{ "levels": ')
      await until('it is told', () => told.length > 0)
      expect(told[0]).to.match(/tracelane\.json: it is not valid JSON .*; the loggers stay as they are$/)
      write({ levels: { watched: 'trace' }, loggers: { x: { appenders: ['none'] } } })
      await until('it is told again', () => told.length > 1)
      expect(told[1]).to.match(/logger 'x' names the appender 'none'/)
      expect(getLevels()['watched']?.configuredLevel).to.equal('warn')
      rmSync(path)
      getLogger('watched').warn('still there')
      await flush()
      expect(messagesIn(join(folder, 'w.log'))).to.deep.equal(['still there'])
      write(options('trace'))
      await levelIs('trace')
      expect(told).to.have.length(2)
    })

    it('sets levels that were changed by hand back', async () => {
      begin()
      setLevel('by.hand', 'trace')
      write(options('debug'))
      await levelIs('debug')
      expect(getLevels()['by.hand']?.configuredLevel).to.equal(undefined)
    })

    it('may say so itself', async () => {
      write({ ...(options('warn') as object), watchIntervalMs: 50 })
      void configure({ file: path })
      write(options('debug'))
      await levelIs('debug')
    })

    it('is not watched by default, and no longer after the next configure()', async () => {
      begin({})
      write(options('debug'))
      const other = join(folder, 'other.json')
      writeFileSync(other, JSON.stringify(options('warn')))
      void configure({ file: other, watchIntervalMs: 50 })
      void configure({ levels: { watched: 'error' }, thread: false, sinks: [fileSink({ path: join(folder, 'w.log') })] })
      writeFileSync(other, JSON.stringify(options('debug')))
      // Six intervals in which a watch that had not ended would have come by
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(getLevels()['watched']?.configuredLevel).to.equal('error')
    })

    it('does not keep the process alive', async () => {
      write({ watchIntervalMs: 50, thread: false })
      const script = `require('tracelane').configure({ file: ${JSON.stringify(path)} }); console.log('end')`
      const program = startNode(['-e', script], { cwd: projectRoot, deadlineMs: 20_000 })
      expect(await program.ended).to.deep.include({ code: 0, stdout: 'end\n', stderr: '' })
    })
  })
})
