import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { createKafkaConsumer, type OrderedConsumer } from 'tracelane/consume'
import { heavy, projectFile, requires, until } from '../support'
import { KafkaCluster, kafkaClassPath, Topic } from './kafka'

/*
 * Traces go from process to process, by turns of ten lines. One process is killed and replaced, the broker is killed and comes back, and later it stands
 * still for a while. What comes out of a consumer is compared with what was written.
 */
const TRACES = heavy ? 10_000 : 500
const TURNS = 10
const LINES = 10
const PAUSE_MS = heavy ? 60_000 : 3_000
const AT_ONCE = 40
/* The third is killed, and the fourth takes its place. */
const SKEWS = [500, 0, -500, 300]
const VICTIM = 2
const DEADLINE_MS = heavy ? 1_200_000 : 400_000

interface FromProducer {
  readonly ready?: true
  readonly id?: number
  readonly carrier?: object
  readonly clock?: readonly number[]
  readonly acknowledged?: number
  readonly pending?: number
  readonly logged?: number
}

interface Turn {
  readonly trace: number
  readonly left: number
  readonly carrier: object
  readonly clock: readonly number[]
}

interface Line {
  readonly trace: number
  readonly p: number
  readonly n: number
  readonly vector: string
  readonly hlc: string
  readonly time: string
  readonly seq: number
  readonly instance: string
}

interface Arrived {
  readonly p: number
  readonly n: number
  readonly clock: readonly number[]
  readonly hlc: string
  readonly time: string
}

/* Starts producers, gives them turns, and knows what they were told was delivered. */
class Producers {
  readonly acknowledged = SKEWS.map(() => 0)
  readonly logged = SKEWS.map(() => 0)
  done = 0
  readonly #children: (ChildProcess | undefined)[] = []
  readonly #turns = new Map<number, Turn & { readonly at: number }>()
  readonly #args: readonly string[]
  #next = 0
  #begun = 0
  onDone: () => void = () => {}

  constructor(brokers: readonly string[], topic: string) {
    this.#args = [brokers.join(), topic]
  }

  async start(index: number): Promise<void> {
    const args = [...this.#args, String(SKEWS[index]), String(index), String(SKEWS.length)]
    const child = fork(projectFile('test/fixtures/brokers/kafka-producer.cjs'), args, { stdio: 'inherit' })
    this.#children[index] = child
    await once(child, 'message')
    child.on('message', (message: FromProducer) => this.#heard(index, message))
  }

  begin(): void {
    while (this.#turns.size < AT_ONCE && this.#begun < TRACES) {
      this.#give({ trace: this.#begun++, left: TURNS, carrier: {}, clock: SKEWS.map(() => 0) })
    }
  }

  /* As kill -9 does; what it was at is done by the one that takes its place. */
  async kill(index: number): Promise<void> {
    const child = this.#children[index]
    this.#children[index] = undefined
    const ended = once(child as ChildProcess, 'exit')
    child?.kill('SIGKILL')
    await ended
  }

  takeOver(from: number): void {
    for (const [id, turn] of [...this.#turns]) {
      if (turn.at !== from) continue
      this.#turns.delete(id)
      this.#give(turn)
    }
  }

  async end(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child === undefined) return
        const ended = once(child, 'exit')
        child.send('end')
        await ended
      }),
    )
  }

  stop(): void {
    for (const child of this.#children) child?.kill('SIGKILL')
  }

  #heard(index: number, message: FromProducer): void {
    if (message.acknowledged !== undefined) {
      this.acknowledged[index] = Math.max(this.acknowledged[index] ?? 0, message.acknowledged)
      this.logged[index] = message.logged ?? 0
      return
    }
    const turn = this.#turns.get(message.id as number)
    if (turn === undefined) return
    this.#turns.delete(message.id as number)
    this.done++
    if (turn.left > 1) {
      this.#give({ ...turn, left: turn.left - 1, carrier: message.carrier as object, clock: message.clock as number[] })
    } else this.begin()
    this.onDone()
  }

  #give(turn: Turn): void {
    const living = [...this.#children.keys()].filter((index) => this.#children[index]?.connected === true)
    const at = living[(turn.trace + turn.left) % living.length] as number
    const id = this.#next++
    const { trace, carrier, clock } = turn
    this.#turns.set(id, { ...turn, at })
    this.#children[at]?.send({ id, trace, carrier, clock, count: LINES })
  }
}

/* How many lines have a later one, in this order, that happened before them. */
function inversions(lines: readonly Arrived[]): number {
  const earliestLater = SKEWS.map(() => Infinity)
  let found = 0
  for (const { p, clock } of [...lines].reverse()) {
    if (clock.some((count, q) => (earliestLater[q] as number) <= count)) found++
    earliestLater[p] = Math.min(earliestLater[p] as number, clock[p] as number)
  }
  return found
}

const sortedBy = (lines: readonly Arrived[], field: 'hlc' | 'time'): Arrived[] =>
  [...lines].sort((a, b) => (a[field] < b[field] ? -1 : a[field] > b[field] ? 1 : 0))

describe('delivery by Kafka', function () {
  this.timeout(DEADLINE_MS)
  let cluster: KafkaCluster
  let producers: Producers | undefined
  let consumer: OrderedConsumer | undefined

  before(async function () {
    const classPath = await kafkaClassPath()
    requires(this, 'kafka', classPath !== undefined)
    cluster = await KafkaCluster.start({ classPath: classPath as string })
  })
  after(() => cluster?.stop())
  afterEach(async () => {
    producers?.stop()
    await consumer?.close()
  })

  it(`brings ${TRACES * TURNS * LINES} lines of ${TRACES} traces once, in order, and sorted causally, whatever is killed or paused`, async () => {
    const topic = await Topic.create(cluster.brokers, 'delivery', 8)
    const traces = new Map<number, Arrived[]>()
    const names = new Set<string>()
    let twice = 0
    consumer = createKafkaConsumer({
      ...{ brokers: cluster.brokers, topic: topic.name, groupId: 'readers', sessionTimeoutMs: 6_000 },
      handle: ({ events }) => {
        for (const { line } of events) {
          const { trace, p, n, vector, hlc, time, seq, instance } = JSON.parse(line) as Line
          const name = `${instance}-${seq}`
          if (names.has(name)) twice++
          names.add(name)
          const arrived = { p, n, hlc, time, clock: vector.split('.').map(Number) }
          const known = traces.get(trace)
          if (known === undefined) traces.set(trace, [arrived])
          else known.push(arrived)
        }
      },
    })
    const all = new Producers(cluster.brokers, topic.name)
    producers = all
    await Promise.all([all.start(0), all.start(1), all.start(VICTIM)])
    const begun = performance.now()
    all.begin()
    const share = (part: number): Promise<unknown> =>
      until(`${part * 100} % of the turns`, () => all.done >= TRACES * TURNS * part, DEADLINE_MS)
    await share(0.2)
    await all.kill(VICTIM)
    await all.start(3)
    all.takeOver(VICTIM)
    await share(0.4)
    await cluster.kill(0)
    await cluster.restart(0)
    await share(0.7)
    cluster.pause(0)
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    cluster.resume(0)
    await share(1)
    await all.end()
    const written = performance.now()
    const ends = await topic.ends()
    const isRead = async (): Promise<boolean> => {
      const committed = await topic.committed('readers')
      return [...ends].every(([partition, end]) => end === 0 || committed.get(partition) === end)
    }
    while (!(await isRead())) await new Promise((resolve) => setTimeout(resolve, 50))
    const read = performance.now()

    const seen = SKEWS.map(() => new Set<number>())
    for (const { p, n } of [...traces.values()].flat()) seen[p]?.add(n)
    // Each that lives was told that all it has logged is delivered; the victim, how much of it was.
    for (const p of [0, 1, 3])
      expect([all.acknowledged[p], seen[p]?.size], `process ${p}`).to.deep.equal([all.logged[p], all.logged[p]])
    const acknowledged = all.acknowledged[VICTIM] as number
    expect(acknowledged).to.be.greaterThan(0)
    for (let n = 1; n <= acknowledged; n++) expect(seen[VICTIM]?.has(n), `line ${n} of the victim`).to.equal(true)
    expect(twice).to.equal(0)

    let outOfOrder = 0
    const wrong = { hlc: 0, time: 0 }
    for (const lines of traces.values()) {
      const last = SKEWS.map(() => 0)
      for (const { p, n } of lines) {
        if (n <= (last[p] as number)) outOfOrder++
        last[p] = n
      }
      wrong.hlc += inversions(sortedBy(lines, 'hlc'))
      wrong.time += inversions(sortedBy(lines, 'time'))
    }
    expect(outOfOrder).to.equal(0)
    expect(wrong.hlc).to.equal(0)
    // Or this test could not fail.
    expect(wrong.time).to.be.greaterThan(0)
    const { duplicates } = consumer.stats()
    const seconds = (ms: number): string => (ms / 1_000).toFixed(1)
    process.stdout.write(
      `      ${names.size} events; ${acknowledged} acknowledged ones of the victim; written in ${seconds(written - begun)} s, read ${seconds(read - written)} s later; ` +
        `${duplicates} duplicates left out; inversions: ${wrong.hlc} by hlc, ${wrong.time} by time\n`,
    )
  })
})
