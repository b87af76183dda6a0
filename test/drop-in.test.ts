import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { expect } from 'chai'
import { applyPatch } from 'diff'
import { installPacked, projectFile, startNode, tempFolder } from './support'

const APPS = projectFile('test/drop-in/apps')
const USERS = 100
const MOST_CHANGES = 10
const NONCE = /nonce-[0-9a-f]{16}/

interface App {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: (nonce: string) => string
  readonly body?: (nonce: string) => { readonly type: string; readonly text: string }
  /** How many lines its own logger writes for a request, and for one that fails (if it can fail). */
  readonly lines: number
  readonly linesOfFailure?: number
  readonly packages: readonly string[]
  /** The trace id that a line carries; undefined for lines that are not from the app's own logger. */
  readonly idOf: (line: string) => string | undefined
}

const json = (line: string) => (JSON.parse(line) as { traceId?: string }).traceId ?? 'none'
const jsonBody = (nonce: string) => ({ type: 'application/json', text: JSON.stringify({ nonce }) })
const formBody = (nonce: string) => ({ type: 'application/x-www-form-urlencoded', text: `nonce=${nonce}` })

const apps: Readonly<Record<string, App>> = {
  'pino-cjs': {
    method: 'GET',
    path: (nonce) => `/orders/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['express', 'pino'],
    idOf: json,
  },
  'pino-esm-grpc': {
    method: 'POST',
    path: (nonce) => `/reservations/${nonce}`,
    lines: 8,
    packages: ['express', 'pino', '@grpc/grpc-js', '@grpc/proto-loader'],
    idOf: json,
  },
  'winston-cjs': {
    method: 'POST',
    path: () => '/subscribers',
    body: jsonBody,
    lines: 4,
    linesOfFailure: 3,
    packages: ['express', 'winston'],
    idOf: json,
  },
  'winston-esm': {
    method: 'GET',
    path: (nonce) => `/reports/${nonce}`,
    lines: 6,
    packages: ['express', 'winston', 'axios'],
    idOf: json,
  },
  'console-cjs': {
    method: 'POST',
    path: () => '/entries',
    body: formBody,
    lines: 3,
    linesOfFailure: 2,
    packages: ['express'],
    idOf: (line) => /^\[([0-9a-f]{32})\] /.exec(line)?.[1] ?? 'none',
  },
  'ours-esm': {
    method: 'PUT',
    path: (nonce) => `/rooms/12/bookings/${nonce}`,
    lines: 3,
    linesOfFailure: 3,
    packages: ['express'],
    idOf: (line) => ((JSON.parse(line) as { logger?: string }).logger === 'bookings' ? json(line) : undefined),
  },
}

interface User {
  readonly nonce: string
  /** The trace that this user's client made, if it made one. */
  readonly clientTraceId: string | undefined
  readonly fails: boolean
}

interface Answer extends User {
  readonly status: number
  readonly traceId: string
}

function users(app: App): User[] {
  return Array.from({ length: USERS }, (_, i) => ({
    nonce: `nonce-${randomBytes(8).toString('hex')}`,
    clientTraceId: i % 2 === 0 ? randomBytes(16).toString('hex') : undefined,
    fails: app.linesOfFailure !== undefined && i % 5 === 0,
  }))
}

async function ask(port: number, app: App, user: User): Promise<Answer> {
  const { nonce, clientTraceId, fails } = user
  const body = app.body?.(nonce)
  const headers: Record<string, string> = { 'x-nonce': nonce }
  if (body !== undefined) headers['content-type'] = body.type
  if (clientTraceId !== undefined) headers['traceparent'] = `00-${clientTraceId}-${randomBytes(8).toString('hex')}-01`
  const path = app.path(nonce) + (fails ? '?fail=1' : '')
  const sent = request({ host: '127.0.0.1', port, method: app.method, path, headers, agent: false })
  sent.end(body?.text)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return { ...user, status: response.statusCode ?? 0, traceId: String(response.headers['x-trace-id']) }
}

function linesByNonce(app: App, stdout: string): Map<string, string[]> {
  const ids = new Map<string, string[]>()
  for (const line of stdout.split('\n')) {
    const nonce = NONCE.exec(line)?.[0]
    const id = nonce === undefined ? undefined : app.idOf(line)
    if (nonce !== undefined && id !== undefined) ids.set(nonce, [...(ids.get(nonce) ?? []), id])
  }
  return ids
}

function diffOf(name: string): string {
  return readFileSync(join(APPS, name, 'adopt.diff'), 'utf8')
}

async function adopt(name: string, app: App): Promise<{ folder: string; main: string }> {
  const folder = tempFolder()
  cpSync(join(APPS, name), folder, { recursive: true })
  await installPacked(folder, app.packages)
  const main = existsSync(join(folder, 'app.js')) ? 'app.js' : 'app.mjs'
  const adopted = applyPatch(readFileSync(join(folder, main), 'utf8'), diffOf(name), { fuzzFactor: 0 })
  if (adopted === false) throw new Error(`adopt.diff of ${name} does not fit ${main}`)
  writeFileSync(join(folder, main), adopted)
  return { folder, main }
}

describe('dropping tracelane into an existing app', function () {
  this.timeout(60_000)

  it('is shown by six apps', () => {
    expect(readdirSync(APPS).sort()).to.deep.equal(Object.keys(apps).sort())
  })

  for (const [name, app] of Object.entries(apps)) {
    describe(name, () => {
      it(`takes at most ${MOST_CHANGES} changed lines`, () => {
        const changed = diffOf(name)
          .split('\n')
          .filter((line) => /^[+-](?!\+\+ |-- )/.test(line))
        expect(changed.length).to.be.within(1, MOST_CHANGES)
      })

      it(`puts the id of the answer on every line of ${USERS} interleaved users`, async () => {
        const { folder, main } = await adopt(name, app)
        const program = startNode([main], { cwd: folder, env: { PORT: '0' } })
        const [, port] = await program.waitForOutput(/listening on (\d+)/)
        const answers = await Promise.all(users(app).map((user) => ask(Number(port), app, user)))
        const { stdout, stderr } = await program.stop()
        const found = linesByNonce(app, stdout)

        expect(stderr).to.equal('')
        expect(new Set(answers.map(({ traceId }) => traceId)).size, 'traces').to.equal(USERS)
        for (const { nonce, traceId, clientTraceId, fails, status } of answers) {
          expect(status >= 400, `${nonce} failed`).to.equal(fails)
          expect(traceId).to.match(/^[0-9a-f]{32}$/)
          if (clientTraceId !== undefined) expect(traceId).to.equal(clientTraceId)
          const count = fails ? app.linesOfFailure : app.lines
          expect(found.get(nonce), nonce).to.deep.equal(Array.from({ length: count ?? 0 }, () => traceId))
        }
        expect(found.size, 'nonces').to.equal(USERS)
      })
    })
  }
})
