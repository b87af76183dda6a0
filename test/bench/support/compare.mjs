// Measures rows side by side: in each round every row once, in random order, and each against the bare row of its own round.
import { median, shuffled, table, withInterval } from './measure.mjs'

export const ROUNDS = Number(process.env.ROUNDS ?? 10)
export const SECONDS = Number(process.env.SECONDS ?? 1.5)
const WARM_UP_CALLS = 10_000
const WARM_UP_TRIES = 3

export const HOW = `${ROUNDS} rounds of ${SECONDS} s for each row; medians, with the interval that holds them at 95 % confidence.`

/** The results of all rounds by row, the first row being the bare one. */
export async function compare(names, measure) {
  const rounds = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of shuffled(names)) rounds[name].push(await measure(name))
  }
  return rounds
}

/** Makes calls for a second, on a slow machine for up to three, so that what is measured is compiled code. */
export async function warmUp(callForSeconds) {
  let calls = 0
  for (let i = 0; i < WARM_UP_TRIES && calls < WARM_UP_CALLS; i++) calls += (await callForSeconds(1)).count
}

/** A table of `{ cpu, perSecond, p99 }`, CPU in microseconds for each `what`. */
export function report(what, titles, rounds) {
  const [bare] = Object.values(rounds)
  const of = (results, key) => results.map((result) => result[key])
  const paired = (results, key, relate) => results.map((result, round) => relate(result[key], bare[round][key]))
  const rows = Object.entries(rounds).map(([name, results]) => [
    titles[name],
    median(of(results, 'cpu')).toFixed(1),
    results === bare
      ? ''
      : withInterval(
          paired(results, 'cpu', (a, b) => a - b),
          1,
          true,
        ),
    Math.round(median(of(results, 'perSecond'))).toLocaleString('en'),
    results === bare
      ? ''
      : withInterval(
          paired(results, 'perSecond', (a, b) => a / b),
          2,
        ),
    median(of(results, 'p99')).toFixed(1),
  ])
  return table(['', `CPU, µs a ${what}`, 'over bare, µs', `${what}s a second`, 'of bare', '99 % within, ms'], rows)
}
