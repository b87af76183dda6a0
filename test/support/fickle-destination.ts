import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { SeededRandom } from './random'
import { eventOf } from './waiting'

/** Which line it is: of which process, which flow in it, and which of its lines. */
export interface KeptLine {
  readonly life: number
  readonly flow: number
  readonly i: number
}

const MOST_TOLD = 10
const nameOf = ({ life, flow, i }: KeptLine): string => `${life}.${flow}.${i}`

/** The lines of a batch, whatever else they say. */
export function linesOf(bytes: Uint8Array): KeptLine[] {
  const texts = Buffer.from(bytes).toString().split('\n').slice(0, -1)
  return texts.map((text) => JSON.parse(text) as KeptLine)
}

/**
 * A destination that is up or down by chance. As a server must that wants each batch once, it knows batches by their names. Each line must come once, and in
 * each flow the lines of a process from the first one on without a gap; behind those of the processes before, if these are one after the other.
 *
 * A request that it takes is answered, whatever comes: a receipt that is lost makes lines come twice, as is known.
 */
export class FickleDestination {
  readonly wrong: string[] = []
  /** Lines that must come yet. */
  owed: readonly KeptLine[] = []
  taken = 0
  /** Batches that came once more. */
  again = 0
  readonly #random: SeededRandom
  readonly #areInOrder: boolean
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #batches = new Set<string>()
  /* Of each flow, and of each flow of each process. */
  readonly #last = new Map<string, KeptLine>()
  readonly #taken = new Map<string, number>()
  #isUp = false
  #timer: NodeJS.Timeout | undefined

  constructor(random: SeededRandom, { areInOrder = true }: { readonly areInOrder?: boolean } = {}) {
    this.#random = random
    this.#areInOrder = areInOrder
    this.#server = createServer((req, res) => this.#hear(req, res))
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket.on('close', () => this.#sockets.delete(socket)))
      if (!this.#isUp) socket.destroy()
    })
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await eventOf(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** Up or down, and so it stays. */
  turn(to: 'up' | 'down'): void {
    clearTimeout(this.#timer)
    this.#isUp = to === 'up'
  }

  /** From now on it comes and goes. */
  turnByItself(): void {
    const wait = this.#isUp ? 30 + this.#random.int(60) : 5 + this.#random.int(20)
    this.#timer = setTimeout(() => {
      this.#isUp = !this.#isUp
      this.turnByItself()
    }, wait).unref()
  }

  /** Some of the lines that are owed, did not come, and are not `elsewhere`. */
  missing(elsewhere: readonly KeptLine[]): string[] {
    const there = new Set(elsewhere.map(nameOf))
    const came = ({ life, flow, i }: KeptLine): boolean => i <= (this.#taken.get(`${life}.${flow}`) ?? -1)
    return this.owed
      .filter((line) => !came(line) && !there.has(nameOf(line)))
      .map(nameOf)
      .slice(0, MOST_TOLD)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #hear(req: IncomingMessage, res: ServerResponse): void {
    const pieces: Buffer[] = []
    req.on('data', (piece: Buffer) => pieces.push(piece))
    req.on('end', () => {
      if (!this.#isUp) return req.socket.destroy()
      const body = Buffer.concat(pieces)
      this.#take(String(req.headers['tracelane-batch']), req.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body)
      setTimeout(() => res.end(), this.#random.int(8))
      return undefined
    })
  }

  #take(name: string, body: Uint8Array): void {
    if (this.#batches.has(name)) {
      this.again++
      return
    }
    this.#batches.add(name)
    for (const line of linesOf(body)) {
      const { life, flow, i } = line
      const row = this.#areInOrder ? `${flow}` : `${life}.${flow}`
      const last = this.#last.get(row)
      const isNext = last?.life === life ? i === last.i + 1 : i === 0 && life > (last?.life ?? 0)
      if (!isNext && this.wrong.length < MOST_TOLD)
        this.wrong.push(`line ${nameOf(line)} in ${name}, behind ${last === undefined ? 'none' : nameOf(last)}`)
      this.#last.set(row, line)
      this.#taken.set(`${life}.${flow}`, i)
      this.taken++
    }
  }
}
