import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Outcome, projectFile, requires, run, runNode, startNode, tempFolder } from '../support'
import { hlc, id, LogFile, TRACE } from '../support/log-file'

const { bin, version } = require('tracelane/package.json') as { bin: { tracelane: string }; version: string }
const binary = projectFile(bin.tracelane)
const tracelane = (...args: string[]): Promise<Outcome> => runNode([binary, ...args])

describe('tracelane', () => {
  let folder: string
  let gateway: string
  let orders: string

  before(() => {
    folder = tempFolder()
    gateway = join(folder, 'gateway.log')
    orders = join(folder, 'orders.log')
    const first = new LogFile('gateway')
      .log(1, hlc(1), id('1'), 'asked')
      .end(9, hlc(300_009), id('1'), undefined, { durationMs: 9, name: 'GET /' })
    const second = new LogFile('orders', 300_000)
      .log(4, hlc(300_004), id('2'), 'answered')
      .end(5, hlc(300_005), id('2'), id('1'), { durationMs: 2 })
    writeFileSync(gateway, first.lines.join('\n'))
    writeFileSync(orders, `{"torn\n${second.lines.join('\n')}\n`)
  })

  it('prints one trace of two files as a tree, without colours into a pipe', async () => {
    const { code, stdout, stderr } = await tracelane('trace', TRACE, orders, gateway)
    expect([code, stderr]).to.deep.equal([0, ''])
    const rows = stdout.split('\n')
    expect(rows[2]).to.match(/gateway {2}● GET \/ {2}ok {2}9\.0 ms$/)
    expect(rows[3]).to.match(/gateway {2}│ info {2}asked$/)
    expect(rows[4]).to.match(/orders {3}╰─● work {2}ok {2}2\.0 ms$/)
    expect(rows[5]).to.match(/orders {5}╰ info {2}answered$/)
    expect(stdout).to.not.contain('\u001b')
  })

  it('prints one JSON document with --json', async () => {
    const { stdout } = await tracelane('trace', '--json', TRACE, orders, gateway)
    const document = JSON.parse(stdout)
    expect(document).to.include({ traceId: TRACE, durationMs: 9 })
    expect(document.lines.map((line: { msg: string }) => line.msg)).to.deep.equal(['asked', 'answered'])
    expect(document.spans[0].children[0]).to.include({ spanId: id('2'), service: 'orders', finished: true })
  })

  it('reads standard input', async () => {
    const input = `${JSON.stringify({ traceId: TRACE, msg: 'piped' })}\n`
    const { stdout } = await runNode([binary, 'trace', TRACE, '-', '--json'], { input })
    expect(JSON.parse(stdout).lines[0]).to.include({ msg: 'piped', service: 'stdin' })
  })

  it('ends quietly when its reader has seen enough', async () => {
    const program = startNode([binary, 'trace', TRACE, gateway])
    program.child.stdout.destroy()
    expect(await program.ended).to.include({ code: 0, stderr: '' })
  })

  const onTerminal = async (env: Readonly<Record<string, string | undefined>>, ...args: string[]): Promise<string> => {
    const command = [process.execPath, binary, 'trace', TRACE, gateway, ...args].join(' ')
    return (await run('script', ['-qec', command, '/dev/null'], { env: { TERM: 'xterm-256color', ...env } })).stdout
  }

  it('uses colours on a terminal, unless NO_COLOR or --no-color says otherwise', async function () {
    requires(this, 'script', process.platform === 'linux' && existsSync('/usr/bin/script'))
    // Node takes most CI services for terminals without colours
    const env = { CI: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined, NODE_DISABLE_COLORS: undefined }
    expect(await onTerminal(env)).to.contain('\u001b[')
    expect(await onTerminal({ ...env, NO_COLOR: '1' })).to.not.contain('\u001b[')
    expect(await onTerminal(env, '--no-color')).to.not.contain('\u001b[')
  })

  const failures: [string, () => string[], number, RegExp][] = [
    ['a file that is not there', () => ['trace', TRACE, gateway, join(folder, 'no.log')], 1, /no\.log': there is no such file/],
    [
      'a trace that is in no file',
      () => ['trace', 'a'.repeat(32), gateway, orders],
      1,
      /no line of trace a{32} is in any of the 2 files/,
    ],
    ['what is no trace id', () => ['trace', 'o-77', gateway], 1, /32 hex digits/],
    ['an unknown command', () => ['trcae'], 2, /no command 'trcae'/],
    ['an unknown option', () => ['trace', TRACE, gateway, '--jsno'], 2, /--jsno/],
    ['no file', () => ['trace', TRACE], 2, /at least one log file/],
    ['no command', () => [], 2, /name a command/],
  ]
  for (const [what, args, expected, sentence] of failures) {
    it(`says one sentence and exits ${expected} for ${what}`, async () => {
      const { code, stdout, stderr } = await tracelane(...args())
      expect([code, stdout]).to.deep.equal([expected, ''])
      expect(stderr)
        .to.match(sentence)
        .and.match(/^tracelane: [^\n]+\n$/)
    })
  }

  it('prints its version and its usage', async () => {
    expect((await tracelane('--version')).stdout).to.equal(`${version}\n`)
    expect((await tracelane('--help')).stdout).to.contain('tracelane trace <trace id> FILES...')
  })
})
