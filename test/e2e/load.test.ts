import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { heavy, projectFile, tempFolder } from '../support'
import { type LogLine, logLines, SERVICES, SHOP, threeFreePorts } from '../support/shop'

const REQUESTS = heavy ? 5000 : 600
const CONCURRENT = 100

/* What each service logs of one order: its own lines and the ends of its spans. */
const LINES = { gateway: 4, orders: 5, stock: 3 } as const

interface Shop {
  readonly ready: Promise<unknown>
  stop(): Promise<void>
}

interface ShopModule {
  startShop(options: { port: number; logFolder: string; onTrouble: (error: Error) => void; env: object }): Shop
}

interface Answer {
  readonly nonce: string
  readonly traceId: string
  /** The id that the client made, if it did. */
  readonly sent: string | undefined
}

async function startShop(port: number, folder: string, troubles: Error[]): Promise<Shop> {
  const { startShop } = (await import(pathToFileURL(join(SHOP, 'processes.mjs')).href)) as ShopModule
  const figures = pathToFileURL(projectFile('test/fixtures/batch-figures.mjs')).href
  // A machine that is busy with other things may need longer than the shop would wait.
  const env = { NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import ${figures}`.trim(), PATIENCE_MS: '60000' }
  return startShop({ port, logFolder: folder, onTrouble: (error) => troubles.push(error), env })
}

async function order(url: string, i: number): Promise<Answer> {
  const nonce = `nonce-${randomBytes(12).toString('hex')}`
  const sent = i % 2 === 0 ? randomBytes(16).toString('hex') : undefined
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (sent !== undefined) headers['traceparent'] = `00-${sent}-${randomBytes(8).toString('hex')}-01`
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ orderId: nonce }) })
  await response.text()
  if (response.status !== 201) throw new Error(`order ${i} was answered ${response.status}`)
  return { nonce, traceId: response.headers.get('x-trace-id') ?? '', sent }
}

async function orderMany(url: string): Promise<Answer[]> {
  const answers: Answer[] = []
  let next = 0
  const client = async (): Promise<void> => {
    while (next < REQUESTS) answers.push(await order(url, next++))
  }
  await Promise.all(Array.from({ length: CONCURRENT }, client))
  return answers
}

/* Lines with the wrong trace id, lines without one, nonces with too few or too many lines, and lines of no nonce. */
function audit(lines: readonly LogLine[], answers: readonly Answer[], count: number) {
  const expected = new Map(answers.map(({ nonce, traceId }) => [nonce, traceId]))
  const perNonce = new Map<unknown, number>()
  const result = { lines: 0, wrongId: 0, missingId: 0, wrongCount: 0, stray: 0 }
  for (const { orderId, traceId } of lines) {
    const right = expected.get(orderId as string)
    if (right === undefined) {
      result.stray++
      continue
    }
    result.lines++
    if (traceId === undefined) result.missingId++
    else if (traceId !== right) result.wrongId++
    perNonce.set(orderId, (perNonce.get(orderId) ?? 0) + 1)
  }
  for (const nonce of expected.keys()) if (perNonce.get(nonce) !== count) result.wrongCount++
  return result
}

describe('the shop under load', () => {
  it(`tags every line of ${REQUESTS} requests, ${CONCURRENT} at a time, with the id of its request, and loses none at SIGTERM`, async function () {
    this.timeout(180_000)
    const folder = tempFolder()
    const port = await threeFreePorts()
    const troubles: Error[] = []
    const shop = await startShop(port, folder, troubles)
    try {
      await shop.ready
      const start = performance.now()
      const answers = await orderMany(`http://127.0.0.1:${port}/checkout`)
      const seconds = (performance.now() - start) / 1000
      await shop.stop()
      expect(troubles).to.deep.equal([])

      expect(answers).to.have.length(REQUESTS)
      expect(answers.filter(({ sent }) => sent !== undefined)).to.have.length(REQUESTS / 2)
      for (const { sent, traceId } of answers)
        expect(traceId)
          .to.equal(sent ?? traceId)
          .and.match(/^[0-9a-f]{32}$/)
      expect(new Set(answers.map(({ traceId }) => traceId)).size, 'duplicated ids').to.equal(REQUESTS)

      for (const service of SERVICES) {
        const lines = logLines(folder, service)
        // The background job of stock has a trace of its own and serves no order.
        const ofOrders = lines.filter(({ message }) => !/^(stock counted|count stock )/.test(String(message)))
        const clean = { lines: REQUESTS * LINES[service], wrongId: 0, missingId: 0, wrongCount: 0, stray: 0 }
        expect(audit(ofOrders, answers, LINES[service]), service).to.deep.equal(clean)
      }

      const batches = JSON.parse(readFileSync(join(folder, 'batches.json'), 'utf8')) as number[]
      const lines = batches.reduce((sum, events) => sum + events, 0)
      const mixed = batches.filter((events) => events > LINES.gateway)
      const inMixed = mixed.reduce((sum, events) => sum + events, 0)
      expect(lines).to.equal(REQUESTS * LINES.gateway)
      expect(Math.min(...batches), 'an empty batch').to.be.at.least(1)
      expect(inMixed / lines, 'share of lines that left with those of other requests').to.be.above(0.5)
      const mean = lines / batches.length
      console.log(
        `      ${REQUESTS} requests in ${seconds.toFixed(1)} s, ${Math.round(REQUESTS / seconds)} a second; gateway: ${batches.length} batches of ` +
          `${mean.toFixed(1)} lines (${Math.min(...batches)} to ${Math.max(...batches)}), ${mixed.length} of them surely of several requests`,
      )
    } finally {
      await shop.stop()
    }
  })
})
