// An Express app, or a plain server, that logs in each request. Arguments: row, where its lines go, lines a request, 'express' or 'http'.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { serveParent } from './runs.mjs'
import { OPEN } from './service-loggers.mjs'

const require = createRequire(import.meta.url)
const [, , row, target, linesPerRequest, kind] = process.argv
const lines = Number(linesPerRequest)

let next = 0
let handled = 0
function start({ log, warn }) {
  const last = row === 'tracelaneWarn' ? warn : log
  const handle = () => {
    for (let i = 1; i < lines; i++) log(next++)
    if (lines > 0) last(next++)
    handled++
  }
  if (kind === 'http') {
    return createServer((_req, res) => {
      handle()
      res.end('hello')
    })
  }
  const app = require('express')()
  app.get('/', (_req, res) => {
    handle()
    res.send('hello')
  })
  return createServer(app)
}

function state() {
  return { logged: next, handled, at: performance.now(), rss: process.memoryUsage.rss() / 2 ** 20 }
}

try {
  const server = start(OPEN[row](target))
  server.listen(0, '127.0.0.1', () => serveParent({ port: server.address().port }, state))
} catch (error) {
  serveParent({ missing: error.message }, () => undefined)
}
