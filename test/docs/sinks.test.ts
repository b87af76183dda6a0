import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import * as tracelane from 'tracelane'
import { projectFile } from '../support'

const pages = readdirSync(projectFile('docs/reference/sinks'))

/* The names of the options that a sink knows where it is given a wrong one. */
function known(name: string): string[] {
  const make = (tracelane as unknown as Record<string, (options: unknown) => unknown>)[name]
  try {
    const right = {
      url: 'http://logs.example',
      filePattern: 'x-%d',
      path: 'x',
      brokers: ['kafka.example:9092'],
      endpoints: ['proxy.example:8081'],
      topic: 'logs',
    }
    make?.({ ...right, wrong: 1 })
  } catch (error) {
    const [, names = ''] = /(?:knows) ([\w, ]+)/i.exec((error as Error).message) ?? []
    return names.trim().split(', ')
  }
  return []
}

describe('docs/reference/sinks', () => {
  for (const page of pages) {
    const text = readFileSync(projectFile(`docs/reference/sinks/${page}`), 'utf8')
    const [, name = ''] = /^# (\w+)\n/.exec(text) ?? []

    it(`${page} has its headings`, () => {
      expect([...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).to.deep.equal([
        'Use it',
        'Options',
        'Delivery guarantee',
        'What it costs',
        'When it fails',
      ])
    })

    it(`${page} lists all options of ${name}, and no others`, () => {
      const [section = ''] = text.split('## Options\n')[1]?.split(/\n##+ /) ?? []
      const listed = [...section.matchAll(/^\| ((?:`\w+`(?:, )?)+)/gm)].flatMap(
        ([, cell]) => (cell as string).match(/\w+/g) ?? [],
      )
      expect(listed.sort()).to.deep.equal(known(name).sort())
    })
  }
})
