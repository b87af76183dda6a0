import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, Socket } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/** Where the lines of a program go that may die, and what came there. */
export interface Destination {
  /** What the program is told: a path or an address. */
  readonly target: string
  /** The descriptor that becomes the program's stdout; closed by `started()`. */
  readonly stdout: number | 'ignore'
  /** Call it when the program has its descriptors. */
  started(): void
  /** What came so far. */
  text(): string
  /** Resolves when the program is dead and everything that it sent was read. */
  ended(): Promise<void>
}

/** A file; `folder` is its own. What was in it when the program removed it, as it says by `removed(size)`, counts. */
export function fileDestination(folder: string): Destination & { removed(size: number): void } {
  const target = join(folder, 'out.log')
  let removedSize = 0
  const read = (path: string): Buffer => (existsSync(path) ? readFileSync(path) : Buffer.alloc(0))
  return {
    target,
    stdout: 'ignore',
    started() {},
    removed(size) {
      removedSize = size
    },
    text: () => read(`${target}.removed`).subarray(0, removedSize).toString() + read(target).toString(),
    async ended() {},
  }
}

/** A pipe, as a shell or a container gives to stdout. (Those of `spawn` are sockets.) After each piece the reader sleeps `sleepMs`. */
export function pipeDestination(folder: string, sleepMs = 0): Destination {
  const fifo = join(folder, 'stdout')
  execFileSync('mkfifo', [fifo])
  // In this order and so, neither opening waits for the other.
  const reading = new Socket({ fd: openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false })
  const stdout = openSync(fifo, 'w')
  let text = ''
  reading.setEncoding('utf8').on('data', (more: string) => {
    text += more
    if (sleepMs === 0) return
    reading.pause()
    setTimeout(() => reading.resume(), sleepMs)
  })
  const ended = once(reading, 'close')
  return {
    target: '-',
    stdout,
    started: () => closeSync(stdout),
    text: () => text,
    async ended() {
      await ended
    },
  }
}

/** A server that takes every request, keeps the lines of those that came whole, and those of a batch that has a name once. */
export async function httpDestination(): Promise<Destination> {
  const bodies: string[] = []
  const known = new Set<unknown>()
  const server = createServer((req, res) => {
    bodyOf(req).then(
      (body) => {
        const batch = req.headers['tracelane-batch']
        if (batch === undefined || !known.has(batch)) bodies.push(body)
        known.add(batch)
        res.end('{}')
      },
      () => undefined, // its sender died in the middle
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    target: `http://127.0.0.1:${(server.address() as AddressInfo).port}/logs`,
    stdout: 'ignore',
    started() {},
    text: () => bodies.join(''),
    async ended() {
      server.close()
      server.closeIdleConnections()
      await once(server, 'close')
    },
  }
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of req) parts.push(part as Buffer)
  const whole = Buffer.concat(parts)
  const text = (req.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole).toString()
  if (!text.startsWith('[')) return text.endsWith('\n') ? text : `${text}\n`
  return (JSON.parse(text) as unknown[]).map((line) => `${JSON.stringify(line)}\n`).join('')
}
