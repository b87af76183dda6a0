// Answers every request, with nothing of a tracer in it.
import { createServer } from 'node:http'
import { serveParent } from './runs.mjs'

const server = createServer((_req, res) => res.end('hello'))
// Clients wait for their turn longer than a connection may be idle.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => serveParent(server.address().port, () => undefined))
