// Measures rows side by side, and each against the bare row at the same time.
//
//   round 1:  all rows are started and warmed up;  turn 1: c a d b   turn 2: b d a c   ...;  all are stopped
//   round 2:  the same with new processes ...
//
// A shared machine changes its speed within seconds, so a row is compared with the bare row of the same turn; a process keeps for life what its
// compiler made of it, so a figure is the median of the turns of one round, and the interval is one of rounds.
import { median, shuffled, table, withInterval } from './measure.mjs'

export const ROUNDS = Number(process.env.ROUNDS ?? 10)
export const TURNS = Number(process.env.TURNS ?? 8)
export const SECONDS = Number(process.env.SECONDS ?? 0.4)
const WARM_UP_CALLS = 10_000
const WARM_UP_TRIES = 3

export const HOW = `${ROUNDS} rounds of new processes with ${TURNS} turns of ${SECONDS} s for each row; medians, with the interval that holds them at 95 % confidence.`

/**
 * The results of all rounds by row, the first row being the bare one. `open` starts what a row needs, and gives `measure` and `close`.
 * ONLY='quiet,otel' leaves other rows out, but never the bare one.
 */
export async function compare(all, open) {
  const [bare] = all
  const only = process.env.ONLY?.split(',')
  const names = all.filter((name) => name === bare || only === undefined || only.includes(name))
  const rounds = Object.fromEntries(names.map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    const opened = new Map()
    for (const name of shuffled(names)) opened.set(name, await open(name))
    const turns = Object.fromEntries(names.map((name) => [name, []]))
    for (let turn = 0; turn < TURNS; turn++) {
      for (const name of shuffled(names)) turns[name].push(await opened.get(name).measure())
    }
    for (const { close } of opened.values()) await close()
    for (const name of names) rounds[name].push(summary(turns[name], turns[bare]))
  }
  return rounds
}

function summary(turns, bare) {
  const middle = (of) => median(turns.map(of))
  return {
    cpu: middle(({ cpu }) => cpu),
    perSecond: middle(({ perSecond }) => perSecond),
    p99: middle(({ p99 }) => p99),
    over: middle(({ cpu }, turn) => cpu - bare[turn].cpu),
    share: middle(({ perSecond }, turn) => perSecond / bare[turn].perSecond),
  }
}

/** Makes calls for a second, on a slow machine for up to three, so that what is measured is compiled code. */
export async function warmUp(callForSeconds) {
  let calls = 0
  for (let i = 0; i < WARM_UP_TRIES && calls < WARM_UP_CALLS; i++) calls += (await callForSeconds(1)).count
}

/** A table of what `compare` gives, CPU in microseconds for each `what`. */
export function report(what, titles, rounds) {
  const [bare] = Object.values(rounds)
  const rows = Object.entries(rounds).map(([name, results]) => {
    const of = (key) => results.map((result) => result[key])
    return [
      titles[name],
      median(of('cpu')).toFixed(1),
      results === bare ? '' : withInterval(of('over'), 1, true),
      Math.round(median(of('perSecond'))).toLocaleString('en'),
      results === bare ? '' : withInterval(of('share'), 2),
      median(of('p99')).toFixed(1),
    ]
  })
  return table(['', `CPU, µs a ${what}`, 'over bare, µs', `${what}s a second`, 'of bare', '99 % within, ms'], rows)
}
