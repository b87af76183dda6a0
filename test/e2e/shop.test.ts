import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { projectFile, type RunningProgram, run, runNode, tempFolder, until } from '../support'
import {
  close,
  isAlive,
  listen,
  logLines,
  portsAreFree,
  SERVICES,
  servicesOf,
  shopIsUp,
  startShop,
  threeFreePorts,
} from '../support/shop'

interface Span {
  readonly service: string
  readonly kind: string
  readonly finished: boolean
  readonly assumed?: boolean
  readonly parentSpanId?: string
  readonly children: readonly Span[]
}

const path = ({ service, kind, children }: Span): string[] => [`${service} ${kind}`, ...children.flatMap(path)]
const isSound = ({ finished, assumed, children }: Span): boolean => finished && assumed === undefined && children.every(isSound)

const { bin } = require('tracelane/package.json') as { bin: { tracelane: string } }

describe('the shop', () => {
  let port: number
  let folder: string

  beforeEach(async () => {
    port = await threeFreePorts()
    folder = tempFolder()
  })

  it("carries the caller's trace and order id through all three services with --once --json", async () => {
    const traceId = randomBytes(16).toString('hex')
    const spanId = randomBytes(8).toString('hex')
    const orderId = `o-${randomBytes(8).toString('hex')}`
    const shop = startShop(port, folder, ['--once', '--json'], { TRACEPARENT: `00-${traceId}-${spanId}-01`, ORDER_ID: orderId })
    expect((await shop.ended).code).to.equal(0)
    expect(shop.stderr).to.equal('')
    for (const service of SERVICES) {
      const lines = logLines(folder, service).filter((line) => line['traceId'] === traceId)
      expect(
        lines.filter((line) => line['orderId'] === orderId),
        service,
      ).to.have.length.of.at.least(3)
    }
    const document = JSON.parse(shop.stdout)
    expect(document).to.deep.include({ traceId, services: [...SERVICES] })
    const [root] = document.spans as [Span]
    expect(root.parentSpanId).to.equal(spanId)
    expect(isSound(root)).to.equal(true)
    const expected = ['gateway server', 'gateway client', 'orders server', 'orders internal', 'orders client', 'stock server']
    expect(path(root)).to.deep.equal(expected)
    const said = document.lines.map((line: { service: string; msg: string }) => `${line.service}: ${line.msg}`)
    expect(said).to.deep.equal([
      ...['gateway: checkout begins', 'orders: order received', 'stock: counting', 'stock: reserved'],
      ...['orders: order placed', 'gateway: checkout done'],
    ])
  })

  const paths = [
    ['piano', 409, 'warn', 'checkout refused'],
    ['voucher', 500, 'error', 'checkout failed'],
    ['sofa', 201, 'info', 'checkout done'],
  ] as const
  for (const [item, status, level, msg] of paths) {
    it(`answers ${status} for a ${item}, and the trace tells why`, async () => {
      const shop = startShop(port, folder, ['--once', '--json'], { ITEM: item })
      expect((await shop.ended).code).to.equal(0)
      const { lines, spans } = JSON.parse(shop.stdout)
      expect(spans[0]).to.include({ status })
      expect(lines.at(-1)).to.include({ level, msg })
      if (item === 'voucher') {
        const failed = lines.find((line: { msg: string }) => line.msg === 'order failed')
        expect(failed.err.stack).to.contain('orders.mjs')
        expect(JSON.stringify(lines).length).to.be.below(20_000)
      }
    })
  }

  it('prints one trace as a tree, a curl line that works, and the command that shows its trace', async () => {
    const shop = startShop(port, folder)
    await shopIsUp(shop)
    for (const service of SERVICES) expect(shop.stdout).to.match(new RegExp(`\\+\\d+ms {2}${service} +.*●`))
    for (const row of shop.stdout.split('\n\n')[1]?.split('\n') ?? []) expect(row.length).to.be.at.most(100)
    const curl = /curl (?:.*\\\n)*.*/.exec(shop.stdout)?.[0] ?? ''
    const { stdout } = await run('sh', ['-c', curl])
    const [, traceId] = /traceparent: 00-(\w{32})-/.exec(curl) ?? []
    expect(stdout)
      .to.match(/^HTTP\/1\.1 409/)
      .and.contain(`x-trace-id: ${traceId}`)
    const command = new RegExp(`npx tracelane trace ${traceId} ${folder}/\\*\\.log`)
    expect(shop.stdout).to.match(command)
    const files = readdirSync(folder).map((file) => join(folder, file))
    const ofTrace = () => logLines(folder, 'gateway').filter((line) => line['traceId'] === traceId)
    await until('the request is in the log', () => ofTrace().length === 4)
    const tree = await runNode([projectFile(bin.tracelane), 'trace', traceId as string, ...files])
    expect(tree.stdout).to.contain('piano is sold out')
    await shop.stop('SIGINT')
  })

  it('counts the stock in a trace of its own', async () => {
    const shop = startShop(port, folder)
    await shopIsUp(shop)
    const counted = () => logLines(folder, 'stock').filter((line) => line['message'] === 'stock counted')
    await until('the stock was counted', () => counted().length > 0)
    const { traceId } = counted()[0] as { traceId: string }
    expect(traceId).to.match(/^[0-9a-f]{32}$/)
    expect(logLines(folder, 'gateway').some((line) => line['traceId'] === traceId)).to.equal(false)
    await shop.stop('SIGINT')
  })

  const endings: [string, (shop: RunningProgram) => unknown, number | null][] = [
    ['Ctrl-C in its terminal', ({ child }) => process.kill(-(child.pid as number), 'SIGINT'), 0],
    ['SIGINT to start.mjs alone', ({ child }) => child.kill('SIGINT'), 0],
    ['kill -9 of start.mjs', ({ child }) => child.kill('SIGKILL'), null],
  ]
  for (const [what, kill, code] of endings) {
    it(`leaves no process and frees its ports after ${what}`, async () => {
      const shop = startShop(port, folder)
      await shopIsUp(shop)
      const services = servicesOf(shop)
      expect(services).to.have.length(3)
      kill(shop)
      expect((await shop.ended).code).to.equal(code)
      expect(shop.stderr).to.equal('')
      await until('the services have ended', () => !services.some(isAlive))
      expect(await portsAreFree(port)).to.equal(true)
    })
  }

  for (const offset of [0, 1, 2]) {
    it(`says in one sentence that the port of ${SERVICES[offset]} is in use`, async () => {
      const other = await listen(port + offset)
      const shop = startShop(port, folder)
      expect((await shop.ended).code).to.equal(1)
      await close(other)
      expect(shop.stderr).to.equal(
        `${SERVICES[offset]} cannot start: port ${port + offset} is in use; choose others with --port\n`,
      )
      expect(shop.stdout).to.equal('')
      expect(await portsAreFree(port)).to.equal(true)
    })
  }

  it('loses no line of an answered request when SIGTERM comes right behind the answer', async () => {
    const shop = startShop(port, folder)
    await shopIsUp(shop)
    const order = async (i: number): Promise<string> => {
      const body = JSON.stringify({ orderId: `last-${i}` })
      const response = await fetch(`http://127.0.0.1:${port}/checkout`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      await response.text()
      expect(response.status).to.equal(201)
      return response.headers.get('x-trace-id') as string
    }
    const ids = await Promise.all(Array.from({ length: 50 }, (_, i) => order(i)))
    shop.child.kill('SIGTERM')
    expect((await shop.ended).code).to.equal(0)
    for (const [service, count] of [
      ['gateway', 4],
      ['orders', 5],
      ['stock', 3],
    ] as const) {
      const lines = logLines(folder, service)
      for (const [i, id] of ids.entries()) {
        const own = lines.filter((line) => line['traceId'] === id && line['orderId'] === `last-${i}`)
        expect(own, `${service} ${i}`).to.have.length(count)
      }
    }
  })
})
