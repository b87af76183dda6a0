import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/* Below the ports that Linux gives to whoever connects, so that nobody has them while a broker is restarted. */
const PORTS = { from: 15_000, to: 30_000 } as const

/** So many ports that nobody listens on now, and that nobody is given who does not ask for them by number. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(PORTS.from, PORTS.to)
    if (!ports.has(port) && (await isFree(port))) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
