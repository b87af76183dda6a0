// Starts the processes of a benchmark, and talks to them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'

/** A program of this folder in a process of its own, that says that it is ready, and answers each message of ours with one of its own. */
export async function start(node, file, args, env = {}) {
  // tracelane is a link to this repository; its optional peers are to come from here all the same.
  const argv = ['--preserve-symlinks', fileURLToPath(new URL(file, import.meta.url)), ...args]
  const child = spawn(node.path, argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env: { ...process.env, ...env } })
  const ended = once(child, 'exit')
  const fault = ended.then(([code, signal]) => {
    throw new Error(`${file} ${args.join(' ')} ended by itself: ${signal ?? code}`)
  })
  fault.catch(() => undefined)
  const message = async () => (await Promise.race([once(child, 'message'), fault]))[0]
  const ready = await message()
  return {
    ready,
    ask(question) {
      const answer = message()
      child.send(question)
      return answer
    },
    async stop() {
      child.kill()
      await ended
    },
    /* For a program that would wait for what it cannot have any more. */
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Where dd-trace sends its spans: an agent that takes everything. */
export async function agent() {
  const server = createServer((req, res) => {
    req.resume()
    req.on('end', () => res.end('{}'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: server.address().port, close: () => server.close() }
}

/* The parent's side of `start`. */
export function serveParent(ready, answer) {
  process.on('message', async (question) => process.send(await answer(question)))
  process.on('disconnect', () => process.exit())
  process.send(ready)
}

/** CPU time of all threads of this process, in microseconds. */
export function cpuMicros() {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Calls `call` again and again for `seconds`, `width` at a time; how many there were, and how long they took. */
export async function callFor(seconds, width, call) {
  const begin = performance.now()
  const end = begin + seconds * 1000
  const times = []
  const lane = async () => {
    while (performance.now() < end) {
      const start = performance.now()
      await call()
      times.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  times.sort((a, b) => a - b)
  return {
    count: times.length,
    perSecond: (times.length * 1000) / (performance.now() - begin),
    p99: times[Math.floor(times.length * 0.99)],
  }
}
