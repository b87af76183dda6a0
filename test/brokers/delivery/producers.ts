import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { heavy, projectFile } from '../../support'
import type { DeliverySink } from './destination'

/** How many traces there are, by how many turns each goes from process to process, and how many lines a turn has. */
export const TRACES = heavy ? 10_000 : 200
export const TURNS = 10
export const LINES = 10
/** By how much the clock of each process is wrong, in milliseconds. The third one is killed, and the fourth takes its place. */
export const SKEWS: readonly number[] = [500, 0, -500, 300]
export const VICTIM = 2

const AT_ONCE = 40

interface FromProducer {
  readonly id?: number
  readonly carrier?: object
  readonly clock?: readonly number[]
  readonly acknowledged?: number
  readonly logged?: number
}

interface Turn {
  readonly trace: number
  readonly left: number
  readonly carrier: object
  readonly clock: readonly number[]
}

/** Starts producers, gives them turns, and knows what they were told was delivered. */
export class Producers {
  readonly acknowledged = SKEWS.map(() => 0)
  readonly logged = SKEWS.map(() => 0)
  /** How many turns are over. */
  done = 0
  readonly #children: (ChildProcess | undefined)[] = []
  readonly #turns = new Map<number, Turn & { readonly at: number }>()
  readonly #sink: string
  #next = 0
  #begun = 0

  constructor(sink: DeliverySink) {
    this.#sink = JSON.stringify(sink)
  }

  async start(index: number): Promise<void> {
    const args = [this.#sink, String(SKEWS[index]), String(index), String(SKEWS.length)]
    const child = fork(projectFile('test/fixtures/brokers/producer.cjs'), args, { stdio: 'inherit' })
    this.#children[index] = child
    await once(child, 'message')
    child.on('message', (message: FromProducer) => this.#heard(index, message))
  }

  begin(): void {
    while (this.#turns.size < AT_ONCE && this.#begun < TRACES) {
      this.#give({ trace: this.#begun++, left: TURNS, carrier: {}, clock: SKEWS.map(() => 0) })
    }
  }

  /** As kill -9 does; what it was at is done by those that live, when `takeOver` says so. */
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

  /** Resolves when each has delivered what it logged, or has given up, and has ended. */
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
