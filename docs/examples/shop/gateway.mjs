// The web portal: Express and axios, logging with tracelane's own logger.
import { randomUUID } from 'node:crypto'
import axios from 'axios'
import express from 'express'
import { configure, fileSink, getLogger, mdc } from 'tracelane'
import { traceAxios } from 'tracelane/interceptors/axios'
import { traceMiddleware } from 'tracelane/middleware/express'
import { host, listening, logFile, onStop, patienceMs, ports } from './service.mjs'

configure({ service: 'gateway', level: 'info', sinks: [fileSink({ path: logFile('gateway') })] })
const log = getLogger('gateway.checkout')

// 4xx is an answer like any other; 5xx and a dead connection throw.
const orders = traceAxios(
  axios.create({
    baseURL: `http://${host}:${ports.orders}`,
    timeout: patienceMs + 2000,
    validateStatus: (status) => status < 500,
  }),
)

const app = express()
app.use(traceMiddleware())
app.use(express.json())

app.post('/checkout', async (req, res) => {
  const { orderId = `o-${randomUUID().slice(0, 8)}`, item = 'lamp', quantity = 1 } = req.body ?? {}
  mdc.put('orderId', String(orderId))
  log.info('checkout begins', { item, quantity })
  const { status, data } = await orders.post('/orders', { orderId, item, quantity })
  if (status === 201) log.info('checkout done', { total: data.total })
  else log.warn('checkout refused', { status, reason: data.error })
  res.status(status).json(data)
})

app.use((err, _req, res, _next) => {
  const status = err.response?.status ?? err.status ?? 502
  log.error(err, 'checkout failed')
  res.status(status).json({ error: 'something went wrong; quote the x-trace-id header' })
})

const server = app.listen(ports.gateway, host, (error) => listening('gateway', error))
onStop(() => server.close())
