import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { freePort, projectFile, startNode, until } from '../support'
import { type Answer, call, traceparent } from '../support/call'

const ID = 'a'.repeat(32)

/* The first program of each guide, and what it logs for one request beside the event at the end. */
const GUIDES: Readonly<Record<string, { readonly path: string; readonly logs: string }>> = {
  http: { path: '/', logs: 'asked' },
  koa: { path: '/', logs: 'asked' },
  fastify: { path: '/orders/7', logs: 'order read' },
  hono: { path: '/orders/7', logs: 'order read' },
}

async function ask(url: string): Promise<Answer> {
  let answer: Answer | undefined
  let asking = false
  return until('the program listens', () => {
    if (!asking) {
      asking = true
      call(url, { headers: { traceparent: traceparent(ID) }, agent: false })
        .then((got) => {
          answer = got
        })
        .catch(() => {
          asking = false
        })
    }
    return answer
  })
}

describe('the guides of the middleware', () => {
  for (const [name, { path, logs }] of Object.entries(GUIDES)) {
    it(`${name}.md begins with a program that works`, async () => {
      const guide = readFileSync(projectFile(`docs/guides/${name}.md`), 'utf8')
      const program = /```js\n([\s\S]*?)```/.exec(guide)?.[1] ?? ''
      const port = await freePort()
      expect(program.split('3000'), 'the port is there once').to.have.length(2)
      const file = projectFile(`dist/guide-${name}.mjs`)
      writeFileSync(file, program.replace('3000', String(port)))
      const running = startNode([file])
      try {
        const answer = await ask(`http://127.0.0.1:${port}${path}`)
        expect(answer.status).to.equal(200)
        expect(answer.headers['x-trace-id']).to.equal(ID)
        await running.waitForOutput(new RegExp(`"traceId":"${ID}".*\n`))
        const lines = running.stdout.split('\n').filter((line) => line.includes(`"msg":"${logs}"`))
        expect(lines).to.have.length(1)
        expect(JSON.parse(lines[0] as string)).to.include({ traceId: ID })
      } finally {
        await running.stop()
        rmSync(file)
      }
    })
  }

  it('name the options of all middleware in one table, which has each of them', () => {
    const sources = ['server-options', 'server-trace'].map((name) => readFileSync(projectFile(`lib/span/${name}.ts`), 'utf8'))
    const declared = sources.flatMap((source) => [...source.matchAll(/^ {2}readonly (\w+)\?:/gm)].map(([, name]) => name))
    const guide = readFileSync(projectFile('docs/guides/express.md'), 'utf8')
    const table = guide.slice(guide.indexOf('## Options'), guide.indexOf('## Good to know'))
    expect(declared).to.include.members(['silent', 'trust'])
    for (const name of declared) expect(table).to.contain(`| \`${name}\``)
  })
})
