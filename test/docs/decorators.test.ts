import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { circuitBreaking, failover, fileSink, filtering, httpSink, retrying, routing, spooling, throttling } from 'tracelane'
import { projectFile } from '../support'

const http = httpSink({ url: 'http://a.example' })
const file = fileSink({ path: 'a.log' })
const wrong = { wrong: 1 } as never

const MAKERS: Readonly<Record<string, () => unknown>> = {
  retrying: () => retrying(http, wrong),
  failover: () => failover([http, file], wrong),
  circuitBreaking: () => circuitBreaking(http, wrong),
  routing: () => routing({ routes: [{ when: { trace: true }, to: http }], otherwise: 'drop', ...(wrong as object) }),
  filtering: () => filtering(http, wrong),
  spooling: () => spooling(http, { directory: 'a', ...(wrong as object) }),
  throttling: () => throttling(http, { perSecond: 1, ...(wrong as object) }),
  Conditions: () => filtering(http, { keep: wrong }),
}

/* The names of the options that `make` knows, as it says where it is given a wrong one. */
function known(make: () => unknown): string[] {
  try {
    make()
  } catch (error) {
    const [, names = ''] = /It knows ([\w, ]+)/.exec((error as Error).message) ?? []
    return names.trim().split(', ')
  }
  return []
}

describe('docs/reference/decorators.md', () => {
  const text = readFileSync(projectFile('docs/reference/decorators.md'), 'utf8')

  for (const [name, make] of Object.entries(MAKERS)) {
    it(`lists all options of ${name}, and no others`, () => {
      const [section = ''] = text.split(`## ${name}\n`)[1]?.split(/\n## /) ?? []
      const listed = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, option]) => option)
      expect(listed.sort()).to.deep.equal(known(make).sort())
    })
  }
})
