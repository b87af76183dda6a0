// Calls a server by axios, with the tracer that the row names. Arguments: row and port.
import { Agent } from 'node:http'
import { createRequire } from 'node:module'
import { otelHttp, startDatadog, startOpenTelemetry } from './peers.mjs'
import { callFor, cpuMicros, serveParent } from './runs.mjs'

const require = createRequire(import.meta.url)
const [, , row, port] = process.argv
const WIDTH = 20

if (row === 'otel') startOpenTelemetry(otelHttp())
if (row === 'datadog') startDatadog()
// By require(), as all that OpenTelemetry patches.
const axios = require('axios')
const client = axios.create({ httpAgent: new Agent({ keepAlive: true, maxSockets: WIDTH }) })
if (row === 'quiet' || row === 'unheard') {
  require('tracelane/interceptors/axios').traceAxios(client, row === 'quiet' ? { spans: false } : {})
}

const url = `http://127.0.0.1:${port}/`
serveParent('ready', async ({ seconds }) => {
  const before = cpuMicros()
  const result = await callFor(seconds, WIDTH, () => client.get(url))
  return { ...result, cpu: (cpuMicros() - before) / result.count }
})
