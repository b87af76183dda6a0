// An Express app on connections within this process; prints the microseconds of a request. Arguments: row; alone or traced.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { Duplex } from 'node:stream'

const require = createRequire(import.meta.url)
const [, , row, caller] = process.argv
const CONNECTIONS = 20
const BATCH = 60
const WARM_UP_BATCHES = 700
const MS = 1500

const traced = (options) => require('tracelane/middleware/express').traceMiddleware(options)

function leastOf() {
  const storage = new AsyncLocalStorage()
  return (_req, res, next) => {
    res.setHeader('x-trace-id', '0af7651916cd43dd8448eb211c80319c')
    storage.run({}, next)
  }
}

const MIDDLEWARE = {
  bare: () => undefined,
  storage: leastOf,
  quiet: () => traced({ spans: false }),
  unheard: () => traced(),
  rtracer: () => require('cls-rtracer').expressMiddleware(),
}

const app = require('express')()
const middleware = MIDDLEWARE[row]()
if (middleware !== undefined) app.use(middleware)
app.get('/', (_req, res) => res.send('hello'))
const server = Object.assign(createServer(app), { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })

const TRACEPARENT = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n'
const REQUEST = Buffer.from(
  `GET / HTTP/1.1\r\nhost: shop.test\r\nconnection: keep-alive\r\n${caller === 'traced' ? TRACEPARENT : ''}\r\n`,
)

let left = 0
let busy = 0
let done

/* What the server writes is the whole answer; the next request comes in another turn of the event loop. */
class Connection extends Duplex {
  bytesWritten = 0
  _read() {}
  _write(_chunk, _encoding, written) {
    this._writev([], written)
  }
  _writev(_chunks, written) {
    written()
    if (left-- > 0) setImmediate(() => this.push(REQUEST))
    else if (--busy === 0) done()
  }
  setTimeout() {
    return this
  }
  setKeepAlive() {}
  setNoDelay() {}
}

const connections = Array.from({ length: CONNECTIONS }, () => {
  const connection = new Connection()
  server.emit('connection', connection)
  return connection
})

function batch() {
  return new Promise((resolve) => {
    left = BATCH - CONNECTIONS
    busy = CONNECTIONS
    done = resolve
    for (const connection of connections) connection.push(REQUEST)
  })
}

for (let i = 0; i < WARM_UP_BATCHES; i++) await batch()
const each = []
const end = performance.now() + MS
while (performance.now() < end) {
  const start = performance.now()
  await batch()
  each.push(((performance.now() - start) * 1000) / BATCH)
}
each.sort((a, b) => a - b)
process.stdout.write(String(each[Math.floor(each.length / 20)]))
process.exit()
