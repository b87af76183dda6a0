import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A raw connection to a local server, with what it has answered so far. */
export interface RawConnection {
  readonly socket: Socket
  /** All bytes received so far, as latin1. */
  text(): string
  /** Resolves when `text()` contains `count` times `what`; rejects when the connection ends before. */
  until(what: string, count?: number): Promise<string>
}

/** Opens a connection for requests that no client library would send. */
export async function rawConnect(port: number): Promise<RawConnection> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    received += chunk
  })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const has = (what: string, count: number): boolean => received.split(what).length > count
  return {
    socket,
    text: () => received,
    async until(what, count = 1) {
      while (!has(what, count)) {
        if (socket.destroyed || socket.readableEnded) throw new Error(`the connection ended before ${what}: ${received}`)
        await Promise.race([once(socket, 'data'), once(socket, 'close')])
      }
      return received
    },
  }
}
