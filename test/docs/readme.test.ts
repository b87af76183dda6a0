import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { eventOf, projectFile, startNode } from '../support'

const readme = readFileSync(projectFile('README.md'), 'utf8')

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1]
  if (found === undefined) throw new Error(`README has no ${language} block`)
  return found
}

/* What differs from run to run and machine to machine. */
function steady(line: string): string {
  return line
    .replace(/"time":\d+/, '"time":0')
    .replace(/"host":"[^"]*","pid":\d+/, '"host":"h","pid":1')
    .replace(/"spanId":"[0-9a-f]{16}"/, '"spanId":"s"')
    .replace(/200 [\d.]+ ms/, '200 1 ms')
    .replace(/"durationMs":[\d.]+/, '"durationMs":1')
    .replace(/"bytesSent":\d+/, '"bytesSent":1')
}

describe('README', () => {
  it('shows a program of ten lines or so, and the very lines that it prints', async () => {
    const program = block('js').replace(
      'app.listen(3000)',
      "app.listen(0, function () { console.error('port', this.address().port) })",
    )
    expect(program, 'the port was found').to.contain('console.error')
    expect(block('js').trim().split('\n').length).to.be.below(15)
    const file = projectFile('dist/readme-program.mjs')
    writeFileSync(file, program)
    const running = startNode([file])
    try {
      const [said] = await eventOf(running.child.stderr, 'data')
      const port = /port (\d+)/.exec(String(said))?.[1]
      const [, traceparent = ''] = /'traceparent: ([^']+)'/.exec(readme) ?? []
      const [answer] = await eventOf(
        get(`http://127.0.0.1:${port}/orders/42`, { headers: { traceparent }, agent: false }),
        'response',
      )
      const { headers } = (answer as IncomingMessage).resume()
      expect(headers['x-trace-id']).to.equal(traceparent.split('-')[1])
      await running.waitForOutput(/tracelane\.span.*\n/)
    } finally {
      await running.stop()
      rmSync(file)
    }
    expect(running.stdout.split('\n').map(steady)).to.deep.equal(block('json').split('\n').map(steady))
  })

  it('has no broken link in it or in the pages of docs', () => {
    const inDocs = readdirSync(projectFile('docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`)
    const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...inDocs.filter((name) => name.endsWith('.md'))]
    const missing = pages.flatMap(brokenLinks)
    expect(missing).to.deep.equal([])
  })
})

function brokenLinks(page: string): string[] {
  const base = new URL(`file://${projectFile(page)}`)
  const links = [...readFileSync(base, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)].map(
    ([, link]) => link as string,
  )
  return links.filter((link) => !existsSync(new URL(link, base))).map((link) => `${page}: ${link}`)
}
