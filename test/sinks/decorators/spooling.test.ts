import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { type SpoolingOptions, type SpoolingSpec, spooling } from 'tracelane'
import { type AsyncSink, type BatchResult, spooledBelow } from '../../../lib/sinks'
import { AdoptedSpool } from '../../../lib/sinks/decorators/adopted-spool'
import { tempFolder } from '../../support'
import { SeededRandom } from '../../support/random'
import { messagesOf, Scene, sendTo, TestBatch } from './scene'

const DOWN: BatchResult = { outcome: 'retryable', reason: 'down' }
const DELIVERED: BatchResult = { outcome: 'delivered' }

function numbered(...numbers: readonly number[]): TestBatch {
  return new TestBatch(
    numbers.map((msg) => ({ msg })),
    `abc-${numbers[0]}`,
    numbers,
  )
}

describe('spooling()', () => {
  let scene: Scene
  let directory: string
  let spec: SpoolingSpec
  let open: AsyncSink[]

  beforeEach(() => {
    scene = new Scene()
    directory = tempFolder()
    open = []
  })

  afterEach(async () => {
    await Promise.all(open.map((sink) => sink.close()))
  })

  function start(options: Partial<SpoolingOptions> = {}): AsyncSink {
    spec = spooling(scene.spec('a'), { directory, ...options })
    const sink = scene.open(spec)
    open.push(sink)
    return sink
  }

  const namesGot = (): string[] => scene.at('a').got.map(({ id }) => id)
  const got = (): unknown[][] => scene.at('a').got.map(({ texts }) => messagesOf(texts))

  it('sends past the disk what the destination takes', async () => {
    expect(await sendTo(start(), numbered(1, 2))).to.deep.equal(DELIVERED)
    expect(got()).to.deep.equal([[1, 2]])
    expect(spooledBelow(spec)).to.deep.equal({ spooled: 0, recovered: 0, damaged: 0 })
  })

  it('keeps what it does not take, and sends it from the disk when it does', async () => {
    const sink = start()
    scene.at('a').otherwise = DOWN
    expect(await sendTo(sink, numbered(1, 2))).to.deep.include({
      outcome: 'partial',
      rejected: [],
      retryable: [],
      spooled: [0, 1],
    })
    await scene.timing.pass(1000)
    expect(spooledBelow(spec)).to.include({ spooled: 2 })
    expect(scene.replayed).to.deep.equal([])
    scene.at('a').otherwise = DELIVERED
    await scene.timing.pass(10_000)
    expect(got().at(-1)).to.deep.equal([1, 2])
    expect(spooledBelow(spec)).to.include({ spooled: 0 })
    expect(scene.replayed).to.deep.equal([{ delivered: 2, rejected: 0, quarantined: 0, filtered: 0, bytes: 20 }])
    expect(new Set(namesGot())).to.deep.equal(new Set(['abc-1']))
  })

  it('sends what an earlier process has left under the name under which that had sent it', async () => {
    scene.at('a').otherwise = DOWN
    await sendTo(start(), numbered(1, 2))
    await Promise.all(open.splice(0).map((sink) => sink.close()))
    const before = namesGot()
    scene = new Scene()
    start()
    await scene.timing.pass(10_000)
    expect(got()).to.deep.equal([[1, 2]])
    expect([...new Set(before), ...namesGot()]).to.deep.equal(['abc-1', 'abc-1'])
  })

  it('spools only the events that were not taken', async () => {
    scene.at('a').answers.push({ outcome: 'partial', rejected: [0], retryable: [2], reason: 'some' })
    const expected = { outcome: 'partial', rejected: [0], retryable: [], spooled: [2], reason: 'some' }
    expect(await sendTo(start(), numbered(1, 2, 3))).to.deep.equal(expected)
    await scene.timing.pass(0)
    expect(got()).to.deep.equal([[1, 2, 3], [3]])
    expect(namesGot()[1]).to.match(/^abc-1~[0-9a-f]{16}$/)
  })

  it('with order-first puts what comes behind what lies there', async () => {
    const sink = start()
    scene.at('a').answers.push(DOWN, { ...DOWN, retryAfterMs: 500 })
    await sendTo(sink, numbered(1))
    await scene.timing.pass(0)
    await sendTo(sink, numbered(2))
    await sendTo(sink, numbered(3))
    expect(got()).to.deep.equal([[1], [1]])
    await scene.timing.pass(500)
    expect(got()).to.deep.equal([[1], [1], [1], [2], [3]])
    expect(await sendTo(sink, numbered(4))).to.deep.equal(DELIVERED)
  })

  it('with live-first sends what comes at once, and the rest when nothing else is on its way', async () => {
    const sink = start({ order: 'live-first' })
    scene.at('a').answers.push(DOWN, { ...DOWN, retryAfterMs: 500 })
    await sendTo(sink, numbered(1))
    await scene.timing.pass(499)
    expect(await sendTo(sink, numbered(2))).to.deep.equal(DELIVERED)
    expect(got()).to.deep.equal([[1], [1], [2]])
    await scene.timing.pass(1)
    expect(got()).to.deep.equal([[1], [1], [2], [1]])
  })

  it('with live-first sends nothing from the disk beside a batch that is on its way', async () => {
    const sink = start({ order: 'live-first' })
    scene.at('a').answers.push(DOWN, { ...DOWN, retryAfterMs: 500 })
    await sendTo(sink, numbered(1))
    await scene.timing.pass(0)
    let answer: ((result: BatchResult) => void) | undefined
    scene.at('a').hold = () => new Promise((resolve) => (answer = resolve))
    const live = sendTo(sink, numbered(2))
    scene.at('a').hold = undefined
    await scene.timing.pass(1000)
    expect(got()).to.deep.equal([[1], [1], [2]])
    answer?.(DELIVERED)
    expect(await live).to.deep.equal(DELIVERED)
    await scene.timing.pass(0)
    expect(got()).to.deep.equal([[1], [1], [2], [1]])
  })

  it('sends so many events a second from the disk', async () => {
    const sink = start({ replayPerSecond: 20 })
    scene.at('a').answers.push(DOWN)
    await sendTo(sink, numbered(1, 2, 3, 4, 5))
    await scene.timing.pass(0)
    expect(got()).to.deep.equal([
      [1, 2, 3, 4, 5],
      [1, 2],
    ])
    await scene.timing.pass(100)
    expect(got().slice(2)).to.deep.equal([[3, 4]])
    await scene.timing.pass(50)
    expect(got().slice(3)).to.deep.equal([[5]])
  })

  it('gives back what a full spool refuses', async () => {
    const sink = start({ maxBytes: 4096 })
    scene.at('a').otherwise = DOWN
    const long = 'x'.repeat(800)
    const answers: string[] = []
    for (let i = 0; i < 6; i++) {
      const { outcome } = await sendTo(sink, new TestBatch([{ msg: i, long }], `abc-${i}`, [i]))
      answers.push(outcome)
    }
    expect(answers).to.deep.equal(['partial', 'partial', 'partial', 'partial', 'retryable', 'retryable'])
    expect(spooledBelow(spec)).to.include({ spooled: 4, damaged: 0 })
  })

  it('drops the oldest to make room, if it is told so, and counts them', async () => {
    const sink = start({ maxBytes: 4096, whenFull: 'drop-oldest' })
    scene.at('a').otherwise = DOWN
    const long = 'x'.repeat(800)
    for (let i = 0; i < 6; i++) await sendTo(sink, new TestBatch([{ msg: i, long }], `abc-${i}`, [i]))
    expect(spooledBelow(spec)).to.include({ spooled: 4, damaged: 2 })
    scene.at('a').otherwise = DELIVERED
    await scene.timing.pass(10_000)
    expect(got().flat().slice(-4)).to.deep.equal([2, 3, 4, 5])
  })

  it('finds at the next start what it left, and sends that first', async () => {
    scene.at('a').otherwise = DOWN
    const first = start()
    await sendTo(first, numbered(1))
    await sendTo(first, numbered(2))
    await first.close()
    scene = new Scene()
    const second = start()
    expect(spooledBelow(spec)).to.include({ recovered: 2, spooled: 2 })
    await sendTo(second, numbered(3))
    await scene.timing.pass(1000)
    expect(got()).to.deep.equal([[1], [2], [3]])
    expect(spooledBelow(spec)).to.include({ recovered: 2, spooled: 0 })
  })

  it('keeps two that are open at once apart', async () => {
    scene.at('a').otherwise = DOWN
    const [one, two] = [start(), start()]
    await sendTo(one, numbered(1))
    await sendTo(two, numbered(2))
    expect(readdirSync(directory)).to.have.length(2)
    scene.at('a').otherwise = DELIVERED
    await scene.timing.pass(1000)
    expect(got().slice(-2).flat().sort()).to.deep.equal([1, 2])
  })

  it('adopts one after the other what lies in folders that nobody has, and removes them', async () => {
    scene.at('a').otherwise = DOWN
    const gone = [start(), start(), start(), start()]
    for (const [i, sink] of gone.entries()) await sendTo(sink, numbered(2 * i, 2 * i + 1))
    await Promise.all(gone.map((sink) => sink.close()))
    expect(readdirSync(directory)).to.have.length(4)
    scene = new Scene()
    start()
    await scene.timing.pass(0)
    expect(got().flat().sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7])
    expect(spooledBelow(spec)).to.deep.equal({ spooled: 0, recovered: 8, damaged: 0 })
    expect(scene.replayed.reduce((sum, { delivered }) => sum + delivered, 0)).to.equal(8)
    expect(readdirSync(directory)).to.have.length(1)
  })

  it('looks now and then whether there is such a folder, and sends what lies there when nothing else is on its way', async () => {
    const a = scene.at('a')
    const [sink, other] = [start(), start()]
    await scene.timing.pass(0)
    a.otherwise = DOWN
    await sendTo(other, numbered(1))
    await other.close()
    a.otherwise = DELIVERED
    a.got.length = 0
    await scene.timing.pass(14_000)
    expect(got()).to.deep.equal([])
    let answer: ((result: BatchResult) => void) | undefined
    a.hold = () => new Promise((resolve) => (answer = resolve))
    const live = sendTo(sink, numbered(2))
    a.hold = undefined
    await scene.timing.pass(1_000)
    expect(got()).to.deep.equal([[2]])
    answer?.(DELIVERED)
    await live
    await scene.timing.pass(0)
    expect(got()).to.deep.equal([[2], [1]])
  })

  it('leaves a folder that it had adopted to whoever has taken that over', async () => {
    scene.at('a').otherwise = DOWN
    const gone = [start(), start()]
    for (const [i, sink] of gone.entries()) await sendTo(sink, numbered(i))
    await Promise.all(gone.map((sink) => sink.close()))
    scene = new Scene()
    const a = scene.at('a')
    // Its own, which it finds first.
    a.answers.push(DELIVERED)
    a.otherwise = DOWN
    start()
    await scene.timing.pass(1_000)
    expect(scene.replayed, 'the adopted one is on its way').to.have.length(1)
    const [adopted] = got().at(-1) as [number]
    const segmentOf = (one: string): string | undefined => readdirSync(join(directory, one)).find((name) => name.endsWith('.seg'))
    const has = (one: string): boolean =>
      readFileSync(join(directory, one, segmentOf(one) ?? ''), 'utf8').includes(`"msg":${adopted}`)
    const folder = join(directory, readdirSync(directory).find(has) ?? 'none')
    for (const name of readdirSync(folder)) if (name.startsWith('lock-')) rmSync(join(folder, name))
    writeFileSync(join(folder, 'lock-00000000000000aa'), '{"v":1,"pid":1,"started":"1","place":"elsewhere"}')
    await scene.timing.pass(20_000)
    a.otherwise = DELIVERED
    await scene.timing.pass(20_000)
    expect(scene.replayed, 'settled by whoever has it').to.have.length(1)
    expect(segmentOf(basename(folder))).not.to.equal(undefined)
  })

  it('sends only once what lies in a folder that cannot be removed', async () => {
    scene.at('a').otherwise = DOWN
    const gone = [start(), start()]
    for (const [i, sink] of gone.entries()) await sendTo(sink, numbered(i))
    await Promise.all(gone.map((sink) => sink.close()))
    scene = new Scene()
    const { claim } = AdoptedSpool
    let claims = 0
    AdoptedSpool.claim = (...args) => {
      claims++
      const adopted = claim(...args)
      if (adopted === undefined) return undefined
      const folder = join(directory, adopted.name)
      const close = adopted.close.bind(adopted)
      const segments = readdirSync(folder).filter((name) => name.endsWith('.seg'))
      const kept = segments.map((name) => [join(folder, name), readFileSync(join(folder, name))] as const)
      adopted.close = () => {
        close()
        mkdirSync(folder, { recursive: true })
        for (const [path, bytes] of kept) writeFileSync(path, bytes)
      }
      return adopted
    }
    try {
      start()
      await scene.timing.pass(40_000)
    } finally {
      AdoptedSpool.claim = claim
    }
    expect(claims).to.be.above(2)
    expect(got().flat().sort()).to.deep.equal([0, 1])
  })

  it('counts what the destination refuses of what lay on the disk, and divides it to find what is wrong', async () => {
    const sink = start()
    scene.at('a').answers.push(DOWN, { outcome: 'rejected', reason: 'no', divisible: true }, DELIVERED)
    scene.at('a').answers.push({ outcome: 'rejected', reason: 'no', divisible: true })
    await sendTo(sink, numbered(1, 2))
    await scene.timing.pass(0)
    expect(got()).to.deep.equal([[1, 2], [1, 2], [1], [2]])
    expect(scene.replayed).to.deep.equal([{ delivered: 1, rejected: 0, quarantined: 1, filtered: 0, bytes: 10 }])
  })

  it('gives back what it cannot keep, says why, and asks for its folder again later', async () => {
    const path = join(directory, 'file')
    writeFileSync(path, '')
    scene.at('a').otherwise = DOWN
    const sink = start({ directory: path })
    const answer = await sendTo(sink, numbered(1))
    expect(answer).to.include({ outcome: 'retryable', reason: `down; not spooled: no spool is to be had in ${path}` })
    expect(scene.troubles[0]).to.match(/^events are not spooled: /)
  })

  it('keeps what is on its way when it is closed', async () => {
    let answer: ((result: BatchResult) => void) | undefined
    const a = scene.at('a')
    a.hold = () => new Promise((resolve) => (answer = resolve))
    a.onClose = () => answer?.(DOWN)
    const sink = start()
    const result = sendTo(sink, numbered(1, 2))
    await scene.timing.pass(0)
    await sink.close()
    expect(await result).to.deep.include({ outcome: 'partial', spooled: [0, 1] })
    expect(spooledBelow(spec)).to.include({ spooled: 2 })
  })

  it('goes on past damage, and then sends past the disk again', async () => {
    scene.at('a').otherwise = DOWN
    const first = start()
    for (const i of [1, 2, 3]) await sendTo(first, numbered(i))
    await first.close()
    const [folder = ''] = readdirSync(directory)
    const [segment = ''] = readdirSync(join(directory, folder)).filter((name) => name.endsWith('.seg'))
    const path = join(directory, folder, segment)
    const bytes = readFileSync(path)
    bytes[bytes.indexOf('"msg":2')] = 0
    writeFileSync(path, bytes)
    scene = new Scene()
    const sink = start()
    await scene.timing.pass(10_000)
    expect(got()).to.deep.equal([[1], [3]])
    expect(await sendTo(sink, numbered(4))).to.deep.equal(DELIVERED)
    expect(spooledBelow(spec)).to.include({ spooled: 0, damaged: 1 })
  })

  it('ends its waits when it is closed', async () => {
    scene.at('a').otherwise = DOWN
    const sink = start()
    await sendTo(sink, numbered(1))
    await scene.timing.pass(0)
    await sink.close()
    expect(scene.timing.due()).to.deep.equal([])
  })

  it('brings each line once and each trace in order, whatever is answered; after a restart perhaps twice', async function () {
    this.timeout(30_000)
    for (let seed = 0; seed < 40; seed++) {
      directory = tempFolder()
      scene = new Scene()
      const random = new SeededRandom(seed)
      const restarts = seed % 2 === 0
      const taken: number[] = []
      let isUp = false
      scene.at('a').answerTo = (texts) => {
        const numbers = messagesOf(texts) as number[]
        const count = isUp ? numbers.length : random.pick([0, 0, numbers.length, random.int(numbers.length + 1)])
        taken.push(...numbers.slice(0, count))
        if (count === numbers.length) return DELIVERED
        const retryable = numbers.slice(count).map((_, i) => count + i)
        return count === 0 ? DOWN : { outcome: 'partial', rejected: [], retryable, reason: 'some' }
      }
      let sink = start()
      for (let i = 0; i < 60; i += 3) {
        const { outcome } = await sendTo(sink, numbered(i, i + 1, i + 2))
        expect(outcome).to.be.oneOf(['delivered', 'partial'])
        await scene.timing.pass(random.int(200))
        if (!restarts || !random.oneIn(5)) continue
        await sink.close()
        sink = start()
      }
      isUp = true
      await scene.timing.pass(100_000)
      const first = taken.filter((number, i) => taken.indexOf(number) === i)
      expect(restarts ? first : taken, `seed ${seed}`).to.deep.equal(Array.from({ length: 60 }, (_, i) => i))
      await sink.close()
    }
  })
})
