import { type ChildProcess, fork } from 'node:child_process'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { eventOf, heavy, projectFile, tempFolder, until } from '../support'

const LINES = heavy ? 5_000_000 : 20_000
/* What the program may take at most, of which Node itself is some 60 MiB, whatever the number of lines. */
const CEILING_MIB = 256
const DEADLINE_MS = heavy ? 1_200_000 : 60_000

interface Logged {
  readonly largest: number
  readonly delivered: number
  readonly spooled: number
  readonly discarded: Readonly<Record<string, unknown>>
}

interface Delivered {
  readonly largest: number
  readonly delivered: number
  readonly discarded: number
  readonly failed: number
  readonly pending: number
}

/* A destination that breaks each connection until it is up, and then checks each line: once, and in the order of its trace. */
class LateDestination {
  readonly wrong: string[] = []
  isUp = false
  lines = 0
  refusals = 0
  readonly #batches = new Set<string>()
  readonly #next = new Map<string, number>()
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.#server = createServer((req, res) => {
      const pieces: Buffer[] = []
      req.on('data', (piece: Buffer) => pieces.push(piece))
      req.on('end', () => {
        this.#take(req, Buffer.concat(pieces))
        res.end()
      })
    })
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket.on('close', () => this.#sockets.delete(socket)))
      if (this.isUp) return
      this.refusals++
      socket.destroy()
    })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await eventOf(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #take({ headers }: IncomingMessage, body: Buffer): void {
    const name = String(headers['tracelane-batch'])
    // As a server must that wants each batch once: its name is the same at each try.
    if (this.#batches.has(name)) return
    this.#batches.add(name)
    const text = (headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString()
    for (const line of text.split('\n').slice(0, -1)) {
      const { traceId, i } = JSON.parse(line) as { traceId: string; i: number }
      const next = this.#next.get(traceId) ?? 0
      if (i !== next && this.wrong.length < 10) this.wrong.push(`line ${i} of ${traceId}, not ${next}`)
      this.#next.set(traceId, i + 1)
      this.lines++
    }
  }
}

async function message<T>(child: ChildProcess, name: string): Promise<T> {
  const [value] = (await eventOf(child, 'message', DEADLINE_MS)) as [Record<string, T>]
  return value[name] as T
}

describe(`a destination that is down for the whole of ${LINES.toLocaleString('en')} lines`, () => {
  it('gets all of them once, in the order of each trace, when it is up, and the program stays small', async function () {
    this.timeout(DEADLINE_MS)
    const destination = new LateDestination()
    const url = await destination.listen()
    const child = fork(projectFile('test/fixtures/spooled/run.cjs'), [url, tempFolder(), String(LINES)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    try {
      const logged = await message<Logged>(child, 'logged')
      expect(logged.delivered, 'while it was down').to.equal(0)
      await until('it was tried', () => destination.refusals > 0)
      expect(logged.spooled, 'in the spool').to.be.above(LINES / 2)
      destination.isUp = true
      const delivered = await message<Delivered>(child, 'delivered')
      expect(delivered).to.deep.include({ delivered: LINES, discarded: 0, failed: 0, pending: 0 })
      await eventOf(child, 'exit', 30_000)
      expect(destination.wrong).to.deep.equal([])
      expect(destination.lines).to.equal(LINES)
      expect(Math.max(logged.largest, delivered.largest), 'MiB').to.be.below(CEILING_MIB)
      if (heavy)
        console.log(
          `      resident: ${logged.largest.toFixed(0)} MiB while it was down, ${delivered.largest.toFixed(0)} MiB in all`,
        )
    } finally {
      child.kill('SIGKILL')
      destination.close()
    }
  })
})
