// Bookings with a logger of a few lines, as small services have it: express, ES modules.
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'

const log = {
  info: (msg, fields) => console.log(JSON.stringify({ level: 'info', msg, ...fields })),
  error: (msg, fields) => console.log(JSON.stringify({ level: 'error', msg, ...fields })),
}

const app = express()
const rooms = express.Router()

rooms.put('/:room/bookings/:nonce', async (req, res) => {
  const { room, nonce } = req.params
  log.info('booking asked for', { nonce, room })
  const free = await Promise.race([isFree(room, nonce), pause(1000, false)])
  if (!free || req.query.fail) throw new Error(`room ${room} is taken`)
  log.info('booked', { nonce })
  res.json({ nonce })
})

async function isFree(room, nonce) {
  await pause(Math.random() * 10)
  log.info('calendar read', { nonce, room })
  return true
}

app.use('/rooms', rooms)
app.use((error, req, res, _next) => {
  log.error('booking failed', { nonce: req.url.split(/[/?]/).at(-2), why: error.message })
  res.status(409).end()
})

const server = app.listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`))
process.on('SIGTERM', () => server.close())
