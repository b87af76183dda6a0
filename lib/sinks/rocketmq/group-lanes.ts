/** Runs tasks of one group one after the other, and of all groups together at most so many at once. */
export class GroupLanes {
  readonly #max: number
  readonly #tails = new Map<string, Promise<void>>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Runs `task`, which never rejects, after those of `group` that came before. */
  async run(group: string, task: () => Promise<void>): Promise<void> {
    const tail = this.#after(this.#tails.get(group), task)
    this.#tails.set(group, tail)
    await tail
    if (this.#tails.get(group) === tail) this.#tails.delete(group)
  }

  async #after(before: Promise<void> | undefined, task: () => Promise<void>): Promise<void> {
    await before
    if (this.#running < this.#max) this.#running++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      await task()
    } finally {
      // Whoever waited has the place of this one.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
