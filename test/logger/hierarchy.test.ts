import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  type AppenderOptions,
  close,
  configure,
  counters,
  fileSink,
  flush,
  getLogger,
  type LoggerOptions,
  type LoggingOptions,
  type Threshold,
} from 'tracelane'
import { nodeOf, routesOf } from '../../lib/logger/hierarchy'
import { jsonLinesOf, onlyWhenAsked, projectFile, run, tempFolder } from '../support'
import { type HierarchyVector, hierarchyVectors } from '../vectors'

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const

const entries = (cell: string): (readonly [string, string])[] =>
  cell
    .split(' ')
    .filter((entry) => entry !== '')
    .map((entry) => entry.split('=') as [string, string])

/* A vector's columns as options; appender `x` writes `x.log`. */
function optionsOf({ levels, appenders, notAdditive }: HierarchyVector, folder: string): LoggingOptions {
  const loggers: Record<string, { -readonly [K in keyof LoggerOptions]: LoggerOptions[K] }> = {}
  const logger = (name: string) => {
    loggers[name] ??= {}
    return loggers[name]
  }
  const files: Record<string, AppenderOptions> = {}
  for (const [name, level] of entries(levels)) {
    if (level === '-') delete logger(name).level
    else logger(name).level = level.toLowerCase() as Threshold
  }
  for (const [name, file] of entries(appenders)) {
    files[file] = { sink: fileSink({ path: join(folder, `${file}.log`) }) }
    logger(name).appenders = [...(logger(name).appenders ?? []), file]
  }
  for (const [name] of entries(notAdditive)) logger(name).additivity = false
  const { ROOT: { additivity: _ignored, ...root } = {}, ...others } = loggers
  return { thread: false, appenders: files, root, loggers: others }
}

/* What is in the files, as the vectors write it; the order of the appenders is that of their routes. */
async function written({ called, appenders }: HierarchyVector, folder: string): Promise<string> {
  await flush()
  const route = routesOf(nodeOf(called)).appenders.map(({ definition }) => definition.name)
  const parts = LEVELS.map((level) => {
    const counts = new Map<string, number>()
    for (const name of new Set(entries(appenders).map(([, file]) => file))) {
      const path = join(folder, `${name}.log`)
      const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
      counts.set(name, text.split('\n').filter((line) => line.includes(`"level":"${level}"`)).length)
    }
    const heard = route.filter((name) => (counts.get(name) ?? 0) > 0)
    for (const [name, count] of counts) expect(heard.filter((one) => one === name)).to.have.length(count, `${level} ${name}`)
    return heard.length === 0 ? '' : `${level.toUpperCase()}:${heard.join('')}`
  })
  return parts.filter((part) => part !== '').join(' ')
}

describe('the hierarchy of loggers', () => {
  afterEach(async () => {
    await close()
  })

  describe('writes what logback writes', () => {
    const vectors = hierarchyVectors()
    const titleOf = ({ called, levels }: HierarchyVector): string => `${called} with ${levels}`

    for (const title of new Set(vectors.map(titleOf))) {
      it(title, async () => {
        for (const vector of vectors.filter((one) => titleOf(one) === title)) {
          const folder = tempFolder()
          const { appenders, notAdditive } = vector
          await configure(optionsOf(vector, folder))
          for (const level of LEVELS) getLogger(vector.called)[level]('x')
          expect(await written(vector, folder), `${appenders} not additive: ${notAdditive}`).to.equal(vector.written)
        }
      })
    }

    it('as logback itself says today', async function () {
      onlyWhenAsked(this, 'java')
      this.timeout(120_000)
      const classpath = join(tempFolder(), 'classpath')
      const pom = projectFile('test/vectors/logback/pom.xml')
      const build = ['-q', '-B', '-f', pom, 'dependency:build-classpath', `-Dmdep.outputFile=${classpath}`]
      const resolved = await run('mvn', build, { deadlineMs: 100_000 })
      expect(resolved.code, resolved.stdout).to.equal(0)
      const input = vectors.map((one) => [one.called, one.levels, one.appenders, one.notAdditive].join('\t')).join('\n')
      const source = projectFile('test/vectors/logback/Hierarchy.java')
      const { stdout, stderr, code } = await run('java', ['-cp', readFileSync(classpath, 'utf8').trim(), source], { input })
      expect(code, stderr).to.equal(0)
      expect(stdout.split('\n').slice(0, -1)).to.deep.equal(vectors.map((one) => one.written))
    })
  })

  it('follows a change of the set-up at once, also for loggers that exist', async () => {
    const folder = tempFolder()
    const path = join(folder, 'a.log')
    const child = getLogger('follow.me.down').child({ n: 1 })
    void configure({ thread: false, level: 'error', sinks: [fileSink({ path })] })
    child.info('no')
    void configure({ thread: false, level: 'error', levels: { follow: 'info' }, sinks: [fileSink({ path })] })
    child.info('yes')
    void configure({ thread: false, level: 'info', loggers: { 'follow.me': { level: 'off' } }, sinks: [fileSink({ path })] })
    child.fatal('no')
    await flush()
    expect(readFileSync(path, 'utf8').match(/"msg":"\w+"/g)).to.deep.equal(['"msg":"yes"'])
  })

  it('gives an appender what its own level lets pass, and no seq to what none takes', async () => {
    const folder = tempFolder()
    const [all, errors] = [join(folder, 'all.log'), join(folder, 'errors.log')]
    const appenders = {
      all: { sink: fileSink({ path: all }), level: 'info' },
      errors: { sinks: [fileSink({ path: errors })], level: 'error' },
    } as const
    void configure({ thread: false, level: 'trace', appenders, root: { appenders: ['all', 'errors'] } })
    const before = counters.eventsUnrouted
    const log = getLogger('thresholds')
    for (const level of [...LEVELS, 'fatal'] as const) log[level](level)
    await flush()
    const lines = (path: string) => jsonLinesOf<{ msg: string; seq: number }>(path)
    expect(lines(all).map(({ msg }) => msg)).to.deep.equal(['info', 'warn', 'error', 'fatal'])
    expect(lines(errors).map(({ msg }) => msg)).to.deep.equal(['error', 'fatal'])
    expect(lines(all).map(({ seq }, i) => seq - i)).to.deep.equal(Array(4).fill(lines(all)[0]?.seq))
    expect(lines(errors).map(({ seq }) => seq)).to.deep.equal(
      lines(all)
        .slice(2)
        .map(({ seq }) => seq),
    )
    expect(counters.eventsUnrouted - before).to.equal(2)
  })
})
