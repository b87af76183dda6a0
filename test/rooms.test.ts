import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { projectRoot, tempFolder } from './support'
import { brokenLaws } from './support/rooms'

function treeOf(files: Readonly<Record<string, string>>): string {
  const root = tempFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

const CONTEXT = { 'lib/context/index.ts': "export { a } from './a'\n", 'lib/context/a.ts': 'export const a = 1\n' }

describe('the rooms of this repository', () => {
  it('keep the law of direction and the small laws', () => {
    expect(brokenLaws(projectRoot)).to.deep.equal([])
  })
})

describe('brokenLaws()', () => {
  const broken: Readonly<Record<string, readonly [files: Readonly<Record<string, string>>, expected: string]>> = {
    'an arrow against the law': [
      {
        ...CONTEXT,
        'lib/logger/index.ts': 'export const l = 1\n',
        'lib/context/a.ts': "import { l } from '../logger'\nexport const a = l\n",
      },
      "lib/context/a.ts may not import from logger ('../logger')",
    ],
    'a type-only arrow': [
      {
        'lib/logger/index.ts': 'export type L = 1\n',
        'lib/context/a.ts': "import type { L } from '../logger'\nexport type A = L\n",
      },
      "lib/context/a.ts may not import from logger ('../logger')",
    ],
    'a re-export against the law': [
      { ...CONTEXT, 'lib/errors.ts': "export { a } from './context'\n" },
      "lib/errors.ts may not import from context ('./context')",
    ],
    'a dynamic import against the law': [
      { ...CONTEXT, 'lib/errors.ts': "export const load = () => import('./context')\n" },
      "lib/errors.ts may not import from context ('./context')",
    ],
    'a literal require() against the law': [
      { ...CONTEXT, 'lib/errors.ts': "export const load = () => require('./context')\n" },
      "lib/errors.ts may not import from context ('./context')",
    ],
    'an import past a door': [
      { ...CONTEXT, 'lib/event/port.ts': "import { a } from '../context/a'\nexport const b = a\n" },
      "lib/event/port.ts imports '../context/a' past the door of context",
    ],
    'a middleware that knows the logger': [
      {
        'lib/logger/index.ts': 'export const l = 1\n',
        'middleware/express.ts': "import { l } from '../lib/logger'\nexport const b = l\n",
      },
      "middleware/express.ts may not import from logger ('../lib/logger')",
    ],
    'a middleware that knows another one': [
      { 'middleware/koa.ts': 'export const k = 1\n', 'middleware/express.ts': "import { k } from './koa'\nexport const b = k\n" },
      'middleware/express.ts may not import its neighbour middleware/koa',
    ],
    'an interceptor that knows another one': [
      {
        'interceptors/axios.ts': 'export const k = 1\n',
        'interceptors/grpc/a.ts': "import { k } from '../axios'\nexport const b = k\n",
      },
      'interceptors/grpc/a.ts may not import its neighbour interceptors/axios',
    ],
    'a package outside its rooms': [
      { 'lib/event/port.ts': "import pino from 'pino'\nexport const p = pino\n" },
      "lib/event/port.ts imports the package 'pino'",
    ],
    'a package required outside its rooms': [
      { 'lib/sinks/kafka/sink.ts': "export const k = () => require('kafkajs')\n" },
      "lib/sinks/kafka/sink.ts imports the package 'kafkajs'",
    ],
    'a built-in without node:': [
      { 'lib/event/port.ts': "import { join } from 'path'\nexport const j = join\n" },
      "lib/event/port.ts imports 'path' without node:",
    ],
    'the package by its own name': [
      { 'lib/event/port.ts': "import { mdc } from 'tracelane'\nexport const m = mdc\n" },
      "lib/event/port.ts imports 'tracelane' by its own name",
    ],
    'a room that the law does not know': [
      { ...CONTEXT, 'lib/helpers/a.ts': "import { a } from '../context'\nexport const b = a\n" },
      'lib/helpers/a.ts is in a room that the law does not know',
    ],
    'a long file': [{ 'lib/errors.ts': '\n'.repeat(401) }, 'lib/errors.ts has 401 lines, more than 400'],
    'a name that is not kebab-case': [{ 'lib/event/logEvent.ts': 'export {}\n' }, 'lib/event/logEvent.ts is not kebab-case'],
    'a default export': [{ 'lib/errors.ts': 'export default 1\n' }, 'lib/errors.ts has a default export'],
    'an export of everything': [
      { ...CONTEXT, 'lib/context/index.ts': "export * from './a'\n" },
      'lib/context/index.ts has an `export *`',
    ],
    'an any': [{ 'lib/errors.ts': 'export const a = 1 as any\n' }, 'lib/errors.ts has an `any`'],
    'an any in a generic': [{ 'lib/errors.ts': 'export type A = Array<any>\n' }, 'lib/errors.ts has an `any`'],
    'a mark of unfinished work': [{ 'lib/errors.ts': '// TO' + 'DO\n' }, 'lib/errors.ts has a mark of unfinished work'],
  }
  for (const [what, [files, expected]] of Object.entries(broken)) {
    it(`reports ${what}`, () => {
      expect(brokenLaws(treeOf(files))).to.deep.equal([expected])
    })
  }

  it('passes lawful arrows, packages in their rooms, and words in text and comments', () => {
    const files = {
      ...CONTEXT,
      'lib/errors.ts': "// any, export default, export * and import('./context')\nexport const text = 'as any'\n",
      'lib/internal/peer.ts': "import { text } from '../errors'\nexport const peer = text\n",
      'lib/event/port.ts':
        "import { a } from '../context'\nimport { peer } from '../internal/peer'\nexport const b = [a, peer]\n",
      'lib/sinks/kafka/client.ts': "export const k = () => require('kafkajs')\n",
      'lib/adapters/pino.ts': "import type { Logger } from 'pino'\nexport type L = Logger\n",
      'interceptors/grpc/index.ts': "export { c } from './client'\n",
      'interceptors/grpc/client.ts':
        "import * as grpc from '@grpc/grpc-js'\nimport { b } from '../../lib/event'\nexport const c = [grpc, b]\n",
      'lib/event/index.ts': "export { b } from './port'\n",
      'middleware/express.ts':
        "import type { Request } from 'express'\nimport { join } from 'node:path'\nexport const e: [Request?] = []\nexport const any = join\n",
    }
    expect(brokenLaws(treeOf(files))).to.deep.equal([])
  })
})
