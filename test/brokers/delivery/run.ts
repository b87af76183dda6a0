import { expect } from 'chai'
import { heavy, until } from '../../support'
import type { Destination } from './destination'
import { Oracle } from './oracle'
import { LINES, Producers, SKEWS, TRACES, TURNS, VICTIM } from './producers'

const PAUSE_MS = heavy ? 60_000 : 2_000

/** How long a run may take, in milliseconds. */
export const RUN_MS = heavy ? 1_500_000 : 400_000

/** What a run is, for the title of a test. */
export const RUN_TITLE = `brings ${TRACES * TURNS * LINES} lines of ${TRACES} traces once, in order, and sorted causally, whatever is killed or paused`

/**
 * Traces go from process to process, by turns of ten lines. One process is killed and replaced, the destination is killed and comes back, and later it stands still for a
 * while. What comes out of it is compared with what was written.
 */
export async function deliveryRun(destination: Destination): Promise<void> {
  const producers = new Producers(destination.sink)
  try {
    await deliver(destination, producers)
  } finally {
    producers.stop()
  }
}

async function deliver(destination: Destination, producers: Producers): Promise<void> {
  const oracle = new Oracle()
  destination.begin((line) => oracle.take(line))
  await Promise.all([producers.start(0), producers.start(1), producers.start(VICTIM)])
  const begun = performance.now()
  producers.begin()
  const share = (part: number): Promise<unknown> =>
    until(`${part * 100} % of the turns`, () => producers.done >= TRACES * TURNS * part, RUN_MS)
  await share(0.2)
  await producers.kill(VICTIM)
  await producers.start(SKEWS.length - 1)
  producers.takeOver(VICTIM)
  await share(0.4)
  await destination.restart()
  await share(0.7)
  destination.pause()
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  destination.resume()
  await share(1)
  await producers.end()
  const written = performance.now()
  const living = SKEWS.map((_, p) => p).filter((p) => p !== VICTIM)
  const acknowledged = producers.acknowledged[VICTIM] as number
  await destination.end(
    () =>
      living.every((p) => oracle.countOf(p) >= (producers.logged[p] as number)) &&
      oracle.missingOf(VICTIM, acknowledged) === undefined,
  )
  const read = performance.now()
  // Each that lives was told that all it has logged is delivered; the victim, how much of it was.
  for (const p of living) {
    expect([producers.acknowledged[p], oracle.countOf(p)], `process ${p}`).to.deep.equal([
      producers.logged[p],
      producers.logged[p],
    ])
  }
  expect(acknowledged).to.be.greaterThan(0)
  expect(oracle.missingOf(VICTIM, acknowledged), 'a line of the victim').to.equal(undefined)
  if (destination.isOnce) expect(oracle.twice).to.equal(0)
  expect(oracle.outOfOrder()).to.equal(0)
  const [hlc, time] = [oracle.inversions('hlc'), oracle.inversions('time')]
  expect(hlc).to.equal(0)
  // Or this test could not fail.
  expect(time).to.be.greaterThan(0)
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1)
  process.stdout.write(
    `      ${oracle.events} events; ${acknowledged} acknowledged ones of the victim; written in ${seconds(written - begun)} s, read ${seconds(read - written)} s later; ` +
      `${destination.note?.() ?? `${oracle.twice} came twice`}; inversions: ${hlc} by hlc, ${time} by time\n`,
  )
}
