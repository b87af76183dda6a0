// A weather station that logs with the console: express, CommonJS.
const { setTimeout: pause } = require('node:timers/promises')
const express = require('express')

const app = express()
const readings = new Map()

app.put('/readings/:nonce', async (req, res, next) => {
  const { nonce } = req.params
  console.log('reading %s comes', nonce)
  await pause(Math.random() * 10)
  if (req.query.fail) return next(new RangeError(`${nonce} is too hot`))
  readings.set(nonce, Date.now())
  setImmediate(() => console.debug('kept', nonce))
  console.warn('wind', { nonce, knots: 40 })
  setTimeout(() => res.status(201).end(), 2)
})

app.use((error, _req, res, _next) => {
  console.error('refused', error)
  res.status(422).end()
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
