// A shop's order service: express, pino, CommonJS.
const { setTimeout: pause } = require('node:timers/promises')
const express = require('express')
const pino = require('pino')

const logger = pino({ base: { service: 'orders' } })
const app = express()
app.use(express.json())

app.use((req, res, next) => {
  res.on('finish', () => logger.info({ nonce: req.get('x-nonce'), status: res.statusCode }, 'request done'))
  next()
})

async function loadOrder(nonce) {
  await pause(Math.random() * 10)
  logger.info({ nonce }, 'order read')
  return { nonce, items: [{ sku: 'A-1', count: 2 }] }
}

async function price(order) {
  const prices = await Promise.all(
    order.items.map(async (item) => {
      await pause(Math.random() * 5)
      logger.child({ sku: item.sku }).info({ nonce: order.nonce }, 'item priced')
      return item.count * 10
    }),
  )
  return prices.reduce((sum, one) => sum + one, 0)
}

app.get('/orders/:nonce', async (req, res) => {
  const order = await loadOrder(req.params.nonce)
  if (req.query.fail) throw new Error(`order ${req.params.nonce} is broken`)
  res.json({ ...order, total: await price(order) })
})

app.use((error, req, res, _next) => {
  logger.error({ nonce: req.get('x-nonce'), err: error }, 'request failed')
  res.status(500).json({ error: 'internal' })
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
