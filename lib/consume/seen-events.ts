import type { ConsumedEvent } from './event'

const MAX_INSTANCES = 1_000
/* Of one instance: 65,536 numbers, in blocks of one bit each. */
const BLOCK = 1_024
const MAX_BLOCKS = 64

/**
 * Which events of one queue were handled, by instance and `seq`: the last ones of each instance that was heard of lately. What is too old to be known counts as
 * new, because twice is better than never.
 */
export class SeenEvents {
  /* The one that was heard of last is the last. */
  readonly #instances = new Map<string, Map<number, Uint32Array>>()

  /** Those that were not handled before, each one once. */
  unseen(events: readonly ConsumedEvent[]): ConsumedEvent[] {
    const inBatch = new Set<string>()
    return events.filter((event) => {
      const { instance, seq } = event
      if (instance === undefined || seq === undefined) return true
      const name = `${instance} ${seq}`
      if (inBatch.has(name) || this.#has(instance, seq)) return false
      inBatch.add(name)
      return true
    })
  }

  /** These were handled. */
  add(events: readonly ConsumedEvent[]): void {
    for (const { instance, seq } of events) if (instance !== undefined && seq !== undefined) this.#add(instance, seq)
  }

  #has(instance: string, seq: number): boolean {
    const block = this.#instances.get(instance)?.get(Math.floor(seq / BLOCK))
    const bit = seq % BLOCK
    return block !== undefined && ((block[bit >> 5] as number) & (1 << (bit & 31))) !== 0
  }

  #add(instance: string, seq: number): void {
    const blocks = this.#instances.get(instance) ?? new Map<number, Uint32Array>()
    this.#instances.delete(instance)
    this.#instances.set(instance, blocks)
    if (this.#instances.size > MAX_INSTANCES) dropFirst(this.#instances)
    const number = Math.floor(seq / BLOCK)
    const block = blocks.get(number) ?? new Uint32Array(BLOCK / 32)
    blocks.set(number, block)
    if (blocks.size > MAX_BLOCKS) dropFirst(blocks)
    const bit = seq % BLOCK
    block[bit >> 5] = (block[bit >> 5] as number) | (1 << (bit & 31))
  }
}

function dropFirst(map: Map<unknown, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key)
    return
  }
}
