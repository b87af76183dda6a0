// `npm start`: the shop with a little traffic, and one trace as a tree. README.md tells the options.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startShop } from './processes.mjs'

const flag = { type: 'boolean', default: false }
const text = (value) => ({ type: 'string', default: value })
const { values } = parseArgs({ options: { port: text('4310'), logs: text('logs/shop'), once: flag, json: flag } })
const port = Number(values.port)
const url = `http://127.0.0.1:${port}/checkout`

const { TRACEPARENT, ORDER_ID, ITEM = 'lamp' } = process.env
const require = createRequire(import.meta.url)
const packageFile = require.resolve('tracelane/package.json')
const tracelane = join(dirname(packageFile), require(packageFile).bin.tracelane)

const newTraceParent = () => `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-03`

/** Sends one order and returns its trace id. */
async function checkout(order, traceparent = newTraceParent()) {
  const headers = { 'content-type': 'application/json', traceparent }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(order) })
  await response.text()
  return response.headers.get('x-trace-id')
}

/* A log line is written a moment after the call that logged it. The last line of a service is the end of its server span. */
async function written(traceId) {
  const isEnd = (line) => line.includes(traceId) && line.includes('"kind":"server"')
  const isWritten = (file) => readFileSync(file, 'utf8').split('\n').some(isEnd)
  for (let i = 0; i < 100 && !shop.logs.every(isWritten); i++) await sleep(20)
}

function print(traceId, ...options) {
  spawnSync(process.execPath, [tracelane, 'trace', traceId, ...shop.logs, ...options], { stdio: 'inherit' })
}

async function once() {
  const order = { item: ITEM, ...(ORDER_ID && { orderId: ORDER_ID }) }
  const traceId = await checkout(order, TRACEPARENT)
  await shop.stop()
  print(traceId, ...(values.json ? ['--json'] : []))
}

async function demonstrate() {
  const [traceId] = await Promise.all(['sofa', 'lamp', 'piano', 'voucher', 'lamp'].map((item) => checkout({ item })))
  await written(traceId)
  print(traceId)
  const traceparent = newTraceParent()
  console.log(`
Your turn (lamp: in stock, sofa: slow, piano: sold out, voucher: a bug):

  curl -i ${url} -H 'content-type: application/json' -d '{"item":"piano"}' \\
    -H 'traceparent: ${traceparent}'

  npx tracelane trace ${traceparent.slice(3, 35)} ${values.logs}/*.log

Ctrl-C stops everything.`)
}

let ending = false

/** Stops everything, once, with the first reason. */
async function end(error) {
  if (error !== undefined && !ending) {
    process.exitCode = 1
    console.error(error.message)
  }
  ending = true
  await shop.stop()
}

if (!(port > 0 && port < 65_534)) {
  console.error(`--port takes a number from 1 to 65533, not '${values.port}'`)
  process.exit(1)
}
const shop = startShop({ port, logFolder: values.logs, onTrouble: end })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end())
try {
  await shop.ready
  await (values.once ? once() : demonstrate())
} catch (error) {
  await end(error)
}
