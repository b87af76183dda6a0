// A ticket office: express, pino, ES modules.
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import { pino } from 'pino'

const log = pino({ name: 'tickets', redact: ['card'] })

const app = express()
app.use(express.json())

app.post('/tickets', async (req, res) => {
  const { nonce } = req.body
  const own = log.child({ nonce })
  own.info({ card: '4111111111111111' }, 'ticket asked for')
  await pause(Math.random() * 10)
  if (req.query.fail) throw new Error('sold out')
  own.info('ticket sold')
  res.status(201).json({ nonce })
})

app.use((error, req, res, _next) => {
  log.error({ err: error, nonce: req.body.nonce }, 'no ticket')
  res.status(409).end()
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
