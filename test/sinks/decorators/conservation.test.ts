import { expect } from 'chai'
import { circuitBreaking, failover, filtering, type Level, retrying, routing, type SinkSpec, tee, throttling } from 'tracelane'
import type { AsyncSink, BatchResult } from '../../../lib/sinks'
import { type KeptBatch, keepBatch } from '../../../lib/sinks/batch-part'
import { innerSinks, isDecorated } from '../../../lib/sinks/decorators'
import { SeededRandom } from '../../support/random'
import { Scene, settled, TestBatch } from './scene'

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']
const BATCHES = 4
const EVENTS = 6

/* A destination that answers by chance, and says honestly what it took. */
class Fickle {
  readonly taken: number[] = []
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  open(): AsyncSink {
    return {
      prepare: () => undefined,
      send: async (batch) => {
        const rows = [
          ...Buffer.from(batch.lines)
            .toString()
            .matchAll(/"msg":(\d+)/g),
        ].map(([, msg]) => Number(msg))
        for (let i = this.#random.int(3); i > 0; i--) await settled()
        return this.#answer(rows)
      },
      close: async () => undefined,
    }
  }

  #answer(rows: readonly number[]): BatchResult {
    const wait = this.#random.oneIn(3) ? { retryAfterMs: this.#random.int(2000) } : {}
    switch (this.#random.int(8)) {
      case 0:
      case 1:
        return { outcome: 'retryable', reason: 'later', ...wait }
      case 2:
        return { outcome: 'rejected', reason: 'no', ...(this.#random.oneIn(2) ? { divisible: true } : {}) }
      case 3:
      case 4:
        return this.#part(rows, wait)
      default:
        this.taken.push(...rows)
        return { outcome: 'delivered' }
    }
  }

  #part(rows: readonly number[], wait: { readonly retryAfterMs?: number }): BatchResult {
    const rejected: number[] = []
    const retryable: number[] = []
    rows.forEach((event, row) => {
      const fate = this.#random.int(3)
      if (fate === 0) rejected.push(row)
      else if (fate === 1) retryable.push(row)
      else this.taken.push(event)
    })
    return { outcome: 'partial', rejected, retryable, reason: 'some', ...wait }
  }
}

class World {
  readonly scene = new Scene()
  readonly fickle = new Map<string, Fickle>()
  readonly #random: SeededRandom

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
    this.scene.timing.random = () => this.#random.int(1000) / 1000
  }

  leaf(): SinkSpec {
    const name = `d${this.fickle.size}`
    const destination = new Fickle(this.#random)
    this.fickle.set(name, destination)
    this.scene.at(name).open = () => destination.open()
    return this.scene.spec(name)
  }

  spec(depth: number): SinkSpec {
    if (depth === 0) return this.leaf()
    const inner = (): SinkSpec => this.spec(depth - 1)
    switch (this.#random.int(8)) {
      case 0:
        return limited(inner())
      case 1:
        return failover([inner(), inner()], { probeAfterMs: 500 })
      case 2:
        return tee([inner(), inner()])
      case 3:
        return routing({
          routes: [{ when: { level: 'warn' }, to: [inner(), inner()] }],
          otherwise: this.#random.oneIn(2) ? 'drop' : inner(),
          idleMs: 50,
        })
      case 4:
        return filtering(inner(), { drop: { levels: ['debug'] } })
      case 5:
        return throttling(inner(), { perSecond: 50, burst: 4, over: this.#random.oneIn(2) ? 'drop' : 'wait' })
      case 6:
        return circuitBreaking(inner(), { failures: 2, openMs: 300 })
      default:
        return inner()
    }
  }

  /* As an appender does it: sends until each event is settled, alone or in parts. Returns what became of each. */
  async deliver(sink: AsyncSink, batch: KeptBatch, fates: Map<number, string[]>): Promise<void> {
    const events = messagesIn(batch)
    const settle = (rows: readonly number[], fate: string): void => {
      for (const row of rows) fates.get(events[row] as number)?.push(fate)
    }
    const all = [...events.keys()]
    sink.prepare?.(batch)
    const result = await sink.send(batch)
    if (result.outcome === 'delivered') return settle(all, 'delivered')
    if (result.outcome === 'retryable') {
      await this.#pause(result.retryAfterMs)
      return this.deliver(sink, batch, fates)
    }
    if (result.outcome === 'rejected') {
      if (result.divisible !== true || events.length === 1) return settle(all, 'rejected')
      const middle = events.length >> 1
      await this.deliver(sink, batch.part(all.slice(0, middle)), fates)
      return this.deliver(sink, batch.part(all.slice(middle)), fates)
    }
    if (result.outcome !== 'partial') throw new Error('there is no such outcome')
    const { rejected, retryable, filtered = [] } = result
    const named = new Set([...rejected, ...retryable, ...filtered])
    settle(rejected, 'rejected')
    settle(filtered, 'filtered')
    settle(
      all.filter((row) => !named.has(row)),
      'delivered',
    )
    if (retryable.length === 0) return
    await this.#pause(result.retryAfterMs)
    await this.deliver(sink, batch.part(retryable), fates)
  }

  #pause(ms = 20): Promise<void> {
    return new Promise((resolve) => this.scene.timing.after(ms, resolve))
  }

  /* How often a part of the tree took an event, and how often it may at most. */
  takes(spec: SinkSpec, event: number, problems: string[]): { readonly took: number; readonly most: number } {
    if (!isDecorated(spec)) {
      const name = new URL((spec.options as { url: string }).url).hostname.split('.')[0] as string
      return checked({ took: this.fickle.get(name)?.taken.filter((one) => one === event).length ?? 0, most: 1 }, name)
    }
    const below = innerSinks(spec).map((inner) => this.takes(inner, event, problems))
    const took = below.reduce((sum, one) => sum + one.took, 0)
    const mosts = below.map(({ most }) => most)
    // A failover takes elsewhere what a tee below it could give to some of its sinks only.
    const isSum = spec.kind === 'tee' || (spec.kind === 'failover' && isTeed(spec))
    return checked({ took, most: isSum ? mosts.reduce((a, b) => a + b) : Math.max(...mosts) }, spec.kind)

    function checked(counts: { readonly took: number; readonly most: number }, what: string) {
      if (counts.took > counts.most) problems.push(`event ${event} was taken ${counts.took} times by ${what}`)
      return counts
    }
  }
}

function messagesIn(batch: KeptBatch): number[] {
  return [
    ...Buffer.from(batch.lines)
      .toString()
      .matchAll(/"msg":(\d+)/g),
  ].map(([, msg]) => Number(msg))
}

function limited(spec: SinkSpec): SinkSpec {
  return spec.kind === 'retrying' ? spec : retrying(spec, { attempts: 3, firstDelayMs: 10 })
}

async function problemsOf(seed: number): Promise<string[]> {
  const world = new World(seed)
  const random = new SeededRandom(seed + 1)
  const spec = world.spec(1 + random.int(3))
  const sink = world.scene.open(spec)
  const fates = new Map<number, string[]>()
  const batches = Array.from({ length: BATCHES }, (_, b) => {
    const seqs = Array.from({ length: EVENTS }, (_, i) => b * EVENTS + i)
    for (const seq of seqs) fates.set(seq, [])
    const events = seqs.map((msg) => ({
      msg,
      level: random.pick(LEVELS),
      traceId: random
        .int(2 ** 31)
        .toString(16)
        .padStart(32, '1'),
    }))
    return keepBatch(new TestBatch(events, `abc-${b}`, seqs))
  })
  let isDone = false
  const delivered = Promise.all(batches.map((batch) => world.deliver(sink, batch, fates))).then(() => (isDone = true))
  // In small steps: some answers take turns of the event loop, not time.
  while (!isDone) await world.scene.timing.pass(Math.min(world.scene.timing.due()[0] ?? 1, 100))
  await delivered
  const problems: string[] = []
  for (const [event, ends] of fates) {
    const { took } = world.takes(spec, event, problems)
    if (ends.length !== 1) problems.push(`event ${event} ended ${ends.length} times: ${ends}`)
    if (ends[0] === 'delivered' && took === 0) problems.push(`event ${event} counts as delivered, and nobody has it`)
    // One sink of a tee may have what another one refused.
    if (ends[0] !== 'delivered' && took > 0 && !isTeed(spec)) problems.push(`event ${event} was ${ends[0]}, and somebody has it`)
  }
  return problems.map((problem) => `seed ${seed}: ${problem}\n${JSON.stringify(spec, (_, value) => value?.url ?? value)}`)
}

function isTeed(spec: SinkSpec): boolean {
  return isDecorated(spec) && (spec.kind === 'tee' || innerSinks(spec).some(isTeed))
}

describe('decorators in any composition, over destinations that answer by chance', () => {
  it('have each event end exactly once, and bring none twice to a destination that says what it took', async function () {
    this.timeout(60_000)
    const problems: string[] = []
    for (let seed = 0; seed < 300 && problems.length === 0; seed++) problems.push(...(await problemsOf(seed)))
    expect(problems.slice(0, 3)).to.deep.equal([])
  })
})
