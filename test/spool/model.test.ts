import { expect } from 'chai'
import fc from 'fast-check'
import { heavy } from '../support'
import { FAULTS, type Fault } from './simulated-disk'
import { SpoolWorld } from './spool-world'

type Step =
  | { readonly do: 'append'; readonly size: number; readonly sync: boolean }
  | { readonly do: 'next'; readonly times: number }
  | { readonly do: 'commit' | 'rewind' | 'reopenWriter' | 'reopenReader' | 'kill' }
  | { readonly do: 'powerFailure'; readonly seed: number }
  | { readonly do: 'fault'; readonly ahead: number; readonly fault: Fault; readonly seed: number | undefined }

const seed = fc.integer({ min: 1, max: 0x7fff_ffff })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('append' as const), size: fc.integer({ min: 4, max: 500 }), sync: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('next' as const), times: fc.integer({ min: 1, max: 5 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('commit', 'commit', 'rewind', 'reopenWriter', 'reopenReader', 'kill') }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('powerFailure' as const), seed }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      ahead: fc.integer({ min: 1, max: 30 }),
      fault: fc.constantFrom(...FAULTS),
      seed: fc.option(seed, { nil: undefined }),
    }),
  },
)

/* Numbers from 0 to 1 (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/* Walks a world; after a crash, whoever armed it says whether the power failed as well. */
function walk(world: SpoolWorld, steps: readonly Step[]): void {
  let powerSeed: number | undefined
  for (const step of steps) {
    if (step.do === 'append') world.append(step.size, step.sync)
    else if (step.do === 'next') for (let i = 0; i < step.times && world.next(); i++);
    else if (step.do === 'kill') world.restart()
    else if (step.do === 'powerFailure') world.restart(randomFrom(step.seed))
    else if (step.do === 'fault') {
      world.disk.arm(step.ahead, step.fault)
      powerSeed = step.seed
    } else world[step.do]()
    if (world.disk.crashed) world.restart(powerSeed === undefined ? undefined : randomFrom(powerSeed))
  }
  world.finish()
}

/* What a spool does in a day: segments that fill, records that wait for the disk, a reader that follows, both opened anew. */
const DAY: readonly Step[] = [
  ...[300, 300, 300, 300, 200].map((size) => ({ do: 'append', size, sync: false }) as const),
  { do: 'next', times: 3 },
  { do: 'commit' },
  { do: 'append', size: 100, sync: true },
  { do: 'append', size: 900, sync: false },
  { do: 'next', times: 2 },
  { do: 'commit' },
  { do: 'reopenWriter' },
  { do: 'append', size: 400, sync: false },
  { do: 'reopenReader' },
  { do: 'next', times: 9 },
  { do: 'commit' },
]

/* Whether the power fails after a crash, and what then is left. */
const POWER: readonly (number | undefined)[] = heavy ? [undefined, 1, 2, 3, 4, 5] : [undefined, 1]

describe('a spool on a disk that fails', function () {
  this.timeout(600_000)

  it('loses nothing, keeps order and starts again, whatever happens when', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => walk(new SpoolWorld(), steps)),
      { numRuns: heavy ? 20_000 : 400 },
    )
  })

  const calls = (() => {
    const world = new SpoolWorld()
    walk(world, DAY)
    return world.disk.calls
  })()

  for (const fault of FAULTS) {
    it(`goes through a day with '${fault}' at any one system call`, () => {
      let met = 0
      for (let call = 1; call <= calls; call++) {
        for (const power of fault.startsWith('crash') ? POWER : [undefined]) {
          const world = new SpoolWorld()
          try {
            walk(world, [{ do: 'fault', ahead: call, fault, seed: power }, ...DAY])
          } catch (error) {
            throw new Error(`with '${fault}' at call ${call}, power failure ${power}: ${(error as Error).message}`, {
              cause: error,
            })
          }
          met += world.disk.met.length
        }
      }
      expect(met).to.be.above(calls / 2)
    })
  }
})
