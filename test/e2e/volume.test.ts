import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { signLevel } from 'tracelane'
import { until } from '../support'
import { type Line, startChain, startService, stopServices, type VolumeService } from '../support/volume-services'

const SECRET = 'spoken softly'

interface Answer {
  readonly status: number
  readonly traceId: string
}

async function get(service: VolumeService, path: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const response = await fetch(`${service.url}${path}`, { headers })
  await response.arrayBuffer()
  return { status: response.status, traceId: response.headers.get('x-trace-id') ?? '' }
}

async function counterOf(service: VolumeService, name: string): Promise<number> {
  const response = await fetch(`${service.url}/counters`)
  return ((await response.json()) as Record<string, number>)[name] ?? Number.NaN
}

/* The lines of the application itself: '<level> <message>'. */
function said(lines: readonly Line[], traceId?: string): string[] {
  return lines
    .filter((line) => String(line['logger']).endsWith('.work') && (traceId === undefined || line['traceId'] === traceId))
    .map(({ level, msg }) => `${level} ${msg}`)
}

function tracesIn(lines: readonly Line[]): Set<unknown> {
  return new Set(lines.map(({ traceId }) => traceId))
}

describe('sampling in several services', () => {
  it('keeps the same traces in each, and fewer of the same at a lower rate', async () => {
    const low = await startService('low', { configure: { sampling: { rate: 0.2 } } })
    const same = await startService('same', { next: low, configure: { sampling: { rate: 0.5 } } })
    const first = await startService('first', { next: same, configure: { sampling: { rate: 0.5 } } })
    const all = [first, same, low]
    const answers = await Promise.all(Array.from({ length: 120 }, () => get(first, '/work')))
    await stopServices(all)
    const [a, b, c] = all.map((service) => tracesIn(service.lines())) as [Set<unknown>, Set<unknown>, Set<unknown>]
    expect([...a].toSorted()).to.deep.equal([...b].toSorted())
    expect([...c].filter((id) => !a.has(id))).to.deep.equal([])
    // Six standard deviations around 60 and 24 of 120
    expect(a.size).to.be.within(27, 93)
    expect(c.size).to.be.within(1, 50)
    for (const { traceId } of answers) {
      expect(said(first.lines(), traceId)).to.deep.equal(a.has(traceId) ? ['info first: working'] : [])
      expect(said(low.lines(), traceId)).to.deep.equal(c.has(traceId) ? ['info low: working'] : [])
    }
    for (const { rate } of low.lines()) expect(rate).to.equal(0.2)
  })
})

describe('the flight recorder in a service', () => {
  const details = ['trace shop: looking', 'debug shop: before', 'debug shop: after']

  it('writes the lines of the request that failed, before the line that says so, and of no other', async () => {
    const shop = await startService('shop', { configure: { flightRecorder: true } })
    const answers = await Promise.all(['/work', '/fail', '/work', '/warn', '/fail'].map((path) => get(shop, path)))
    expect(await counterOf(shop, 'eventsReplayed')).to.equal(6)
    expect(await counterOf(shop, 'eventsForgotten')).to.equal(9)
    await stopServices([shop])
    for (const { status, traceId } of answers) {
      const own = shop.lines().filter((line) => line['traceId'] === traceId)
      const expected = status === 500 ? ['info shop: working', ...details] : ['info shop: working']
      expect(said(own)).to.deep.equal(expected)
      expect(own.at(-1)).to.include({ logger: 'tracelane.span' })
      expect(own.filter(({ replayed }) => replayed === true)).to.have.length(status === 500 ? 3 : 0)
    }
  })

  it('writes those of a request that failedWhen calls failed', async () => {
    const shop = await startService('shop', { configure: { flightRecorder: true, statuses: [404] } })
    const warned = await get(shop, '/warn')
    const fine = await get(shop, '/work')
    await stopServices([shop])
    expect(said(shop.lines(), warned.traceId)).to.deep.equal(['info shop: working', ...details])
    expect(said(shop.lines(), fine.traceId)).to.deep.equal(['info shop: working'])
  })

  it('writes those of a request whose client went away', async () => {
    const shop = await startService('shop', { configure: { flightRecorder: true } })
    const gone = new AbortController()
    const answer = fetch(`${shop.url}/hang`, { signal: gone.signal }).catch(() => undefined)
    await shop.program.waitForOutput(/hanging/)
    gone.abort()
    await answer
    await until('it is written', () => said(shop.lines()).includes('debug shop: hanging'))
    await stopServices([shop])
  })

  it('writes everything that is in flight when an exception ends the process, which ends as without it', async () => {
    const shop = await startService('shop', { configure: { flightRecorder: true } })
    const hanging = fetch(`${shop.url}/hang`).catch(() => undefined)
    await shop.program.waitForOutput(/hanging/)
    const going = fetch(`${shop.url}/gone`).catch(() => undefined)
    const { code, signal, stderr } = await shop.program.ended
    await Promise.all([hanging, going])
    expect({ code, signal }).to.deep.equal({ code: 1, signal: null })
    expect(stderr).to.match(/Error: gone/)
    expect(said(shop.lines())).to.deep.equal(['debug shop: hanging', 'debug shop: about to go'])
    expect(shop.lines().every(({ replayed }) => replayed === true)).to.equal(true)
  })

  it('ends no other request of the same trace that runs in the same process', async () => {
    const shop = await startService('shop', { configure: { flightRecorder: true } })
    const traceparent = `00-${'a1'.repeat(16)}-${'1'.repeat(16)}-03`
    const gone = new AbortController()
    const hanging = fetch(`${shop.url}/hang`, { headers: { traceparent }, signal: gone.signal }).catch(() => undefined)
    await shop.program.waitForOutput(/hanging/)
    await get(shop, '/work', { traceparent })
    gone.abort()
    await hanging
    await until('it is written', () => said(shop.lines()).includes('debug shop: hanging'))
    await stopServices([shop])
    expect(said(shop.lines())).to.deep.equal(['info shop: working', 'debug shop: hanging'])
  })
})

describe('targeted debug in several services', () => {
  const NAMES = ['gateway', 'orders', 'stock']
  const usual = (name: string): string[] => [`info ${name}: working`]
  const debug = (name: string): string[] => [`debug ${name}: before`, `info ${name}: working`, `debug ${name}: after`]

  it('turns one trace to debug in every service that it reaches, and no other', async () => {
    const services = await startChain(NAMES, { env: { TRACELANE_LEVEL_SECRET: SECRET } })
    const [gateway] = services as [VolumeService]
    const header = { 'tracelane-level': signLevel({ secret: SECRET }) }
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => ({
        ...(await get(gateway, '/work', i === 7 ? header : {})),
        targeted: i === 7,
      })),
    )
    await stopServices(services)
    services.forEach((service, i) => {
      const name = NAMES[i] as string
      for (const { traceId, targeted } of answers) {
        expect(said(service.lines(), traceId), `${name} ${traceId}`).to.deep.equal(targeted ? debug(name) : usual(name))
      }
    })
  })

  it('is carried in the baggage too', async () => {
    const services = await startChain(NAMES, { configure: { targetedDebug: { secret: SECRET } } })
    const baggage = `tenant=acme,tracelane-level=${signLevel({ secret: SECRET, level: 'trace' })}`
    const traceparent = `00-${'a1'.repeat(16)}-${'1'.repeat(16)}-03`
    await get(services[0] as VolumeService, '/work', { traceparent, baggage })
    await stopServices(services)
    services.forEach((service, i) => {
      const name = NAMES[i] as string
      expect(said(service.lines())).to.deep.equal([`trace ${name}: looking`, ...debug(name)])
    })
  })

  it('ignores and counts what is forged, expired or unsigned', async () => {
    const services = await startChain(NAMES, { configure: { targetedDebug: { secret: SECRET } } })
    const [gateway] = services as [VolumeService]
    const genuine = signLevel({ secret: SECRET, traceId: 'b2'.repeat(16) })
    const wrong = [signLevel({ secret: 'guessed' }), 'debug', 'debug.1.all.x', genuine, genuine.replace('b2'.repeat(16), 'all')]
    for (const value of wrong) expect((await get(gateway, '/work', { 'tracelane-level': value })).status).to.equal(200)
    expect(await counterOf(gateway, 'levelsRejected')).to.equal(wrong.length)
    expect(await counterOf(gateway, 'levelsAccepted')).to.equal(0)
    await stopServices(services)
    services.forEach((service, i) => {
      expect(said(service.lines())).to.deep.equal(Array(wrong.length).fill(usual(NAMES[i] as string)[0]))
    })
  })

  it('takes an unsigned one from a peer that is trusted with it, and hands it on', async () => {
    const services = await startChain(NAMES, { trust: { level: true } })
    await get(services[0] as VolumeService, '/work', { 'tracelane-level': 'debug' })
    await stopServices(services)
    services.forEach((service, i) => {
      expect(said(service.lines())).to.deep.equal(debug(NAMES[i] as string))
    })
  })

  it('takes a signed one from a caller whose trace is not believed, for the trace that begins', async () => {
    const gateway = await startService('gateway', { trust: 'never', configure: { targetedDebug: { secret: SECRET } } })
    const traceparent = `00-${'a1'.repeat(16)}-${'1'.repeat(16)}-03`
    const bound = signLevel({ secret: SECRET, traceId: 'a1'.repeat(16) })
    const one = await get(gateway, '/work', { traceparent, 'tracelane-level': bound })
    const other = await get(gateway, '/work', { traceparent, 'tracelane-level': signLevel({ secret: SECRET }) })
    await stopServices([gateway])
    expect(said(gateway.lines(), one.traceId)).to.deep.equal(usual('gateway'))
    expect(said(gateway.lines(), other.traceId)).to.deep.equal(debug('gateway'))
  })

  describe('what strangers are told', () => {
    const heard: IncomingHttpHeaders[] = []
    const stranger = createServer((req, res) => {
      heard.push(req.headers)
      res.end()
    })

    before(async () => {
      stranger.listen(0, '127.0.0.1')
      await once(stranger, 'listening')
    })

    after(async () => {
      stranger.close()
      await once(stranger, 'close')
    })

    async function tell(
      targets?: readonly string[],
    ): Promise<{ readonly headers: IncomingHttpHeaders; readonly traceId: string }> {
      const { port } = stranger.address() as AddressInfo
      const next = { url: `http://127.0.0.1:${port}` } as VolumeService
      const configure = { targetedDebug: { secret: SECRET } }
      const gateway = await startService('gateway', { next, configure, ...(targets === undefined ? {} : { targets }) })
      const { traceId } = await get(gateway, '/work', { 'tracelane-level': signLevel({ secret: SECRET }) })
      await stopServices([gateway])
      return { headers: heard.pop() ?? {}, traceId }
    }

    it('holds for that one trace', async () => {
      const { headers, traceId } = await tell()
      expect(headers['traceparent']).to.include(traceId)
      expect(headers['tracelane-level']).to.match(new RegExp(`^debug\\.\\d+\\.${traceId}\\.`))
    })

    it('is nothing if they are not on the list of targets', async () => {
      const { headers } = await tell(['*.internal'])
      expect(headers).to.not.have.any.keys('traceparent', 'tracelane-level')
    })
  })
})
