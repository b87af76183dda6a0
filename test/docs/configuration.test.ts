import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, consoleSink, getLevels, type LoggingOptions } from 'tracelane'
import { projectFile, tempFolder } from '../support'

const page = readFileSync(projectFile('docs/reference/configuration.md'), 'utf8')

/* The names of the options that `configure` knows where `options` has a wrong one. */
function known(options: unknown): string[] {
  try {
    void configure(options as LoggingOptions)
  } catch (error) {
    return (
      /It knows ([\w, ]+)/
        .exec((error as Error).message)?.[1]
        ?.trim()
        .split(', ') ?? []
    )
  }
  return []
}

/* The names in the first column of the tables below a heading. */
function named(heading: string): string[] {
  const [section = ''] = page.split(`## ${heading}\n`)[1]?.split('\n## ') ?? []
  const cells = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+)/gm)].map(([, cell]) => cell as string)
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name as string))
}

describe('docs/reference/configuration.md', () => {
  const queues = named('Options of queues')
  const tables: Readonly<Record<string, readonly [wrong: unknown, listed: readonly string[]]>> = {
    'Options of `configure`': [{ x: 1 }, [...named('Options of `configure`'), ...queues]],
    'Options of an appender': [
      { appenders: { a: { x: 1, sink: consoleSink() } } },
      [...named('Options of an appender'), ...queues],
    ],
    'Options of a logger': [{ loggers: { a: { x: 1 } } }, named('Options of a logger')],
  }
  for (const [heading, [wrong, listed]] of Object.entries(tables)) {
    it(`lists all ${heading.replace('Options', 'options')}, and no others`, () => {
      expect([...listed].sort()).to.deep.equal(known(wrong).sort())
    })
  }

  it('shows a file that works', async () => {
    const folder = tempFolder()
    const [, json = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? []
    const path = join(folder, 'tracelane.json')
    writeFileSync(path, json.replace('logs/orders.log', join(folder, 'orders.log')))
    void configure({ file: path })
    expect(getLevels()).to.deep.include({
      'orders.db': { configuredLevel: 'debug', effectiveLevel: 'debug', expiresAt: undefined },
    })
    await close()
  })
})
