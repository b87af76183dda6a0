import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A server that answers what no HTTP server would. */
export interface RawServer {
  readonly origin: string
  /** How many connections there were. */
  connections(): number
  close(): Promise<void>
}

/** Calls `answer` for each whole request, with how many there were on its connection before; for bodies with a length only. */
export async function serveRaw(answer: (socket: Socket, before: number) => void): Promise<RawServer> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer((socket) => {
    let text = ''
    let before = 0
    connections++
    sockets.add(socket)
    socket.on('error', () => {}) // the other side may break off
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      const [, head = '', length = '0'] = /^([\s\S]*?content-length: (\d+)[\s\S]*?\r\n\r\n)/i.exec(text) ?? []
      if (head === '' || text.length < head.length + Number(length)) return
      text = ''
      answer(socket, before++)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    origin: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    connections: () => connections,
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
