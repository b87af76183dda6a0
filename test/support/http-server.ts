import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A real HTTP server of a test. */
export interface TestServer {
  readonly server: Server
  readonly port: number
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly origin: string
  /** `http://127.0.0.2:port`: the same server, yet another host to a client. */
  readonly otherOrigin: string
  close(): Promise<void>
}

/** Starts `handler` on a free port of every loopback address. */
export async function serve(handler: RequestListener): Promise<TestServer> {
  return listening(createServer(handler))
}

/** Starts `server`, which a framework has made, on a free port of every loopback address. */
export async function listening(server: Server): Promise<TestServer> {
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  const { port } = server.address() as AddressInfo
  return {
    server,
    port,
    origin: `http://127.0.0.1:${port}`,
    otherOrigin: `http://127.0.0.2:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
