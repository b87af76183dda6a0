// Tickets with Fastify and its own logger: ES modules.
import { setTimeout as pause } from 'node:timers/promises'
import Fastify from 'fastify'

const app = Fastify({
  logger: true,
})

app.get('/tickets/:nonce', async (request) => {
  const { nonce } = request.params
  await pause(Math.random() * 10)
  request.log.info({ nonce }, 'ticket found')
  if (request.query.fail) throw new Error(`${nonce} is sold`)
  request.log.info('ticket %s printed', nonce)
  return { nonce }
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
console.log(`listening on ${app.server.address().port}`)
process.on('SIGTERM', () => app.close())
