// One sample of log-call.mjs, in a process of its own: logs `lines` lines by one logger, 100 in each turn of the event loop, and tells its
// parent what that cost. Every turn is a trace of its own. `pace` is how many milliseconds a turn takes, 0 for as fast as it goes.
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause, setImmediate as turnOver } from 'node:timers/promises'
import { OPEN } from './log-call-rows.mjs'

const LINES_A_TURN = 100
const WARM_UP = 20_000

const [, , row, file, lineCount, paceMs] = process.argv
const lines = Number(lineCount)
const pace = Number(paceMs)

const { enter, log, close } = await OPEN[row](file)
const ids = []
const clock = process.hrtime
let next = -WARM_UP
let inCalls = 0n

function hundred() {
  const start = clock.bigint()
  const end = next + LINES_A_TURN
  while (next < end) log(next++)
  inCalls += clock.bigint() - start
}

async function turns(end) {
  const times = []
  let before = performance.now()
  while (next < end) {
    ids.push(enter(hundred))
    await (pace > 0 && next >= 0 ? pause(pace) : turnOver())
    const now = performance.now()
    times.push(now - before)
    before = now
  }
  return times.sort((a, b) => a - b)
}

/* The scheduler brings a thread's account up to date when the thread stops: so this one sleeps first. */
async function cpu() {
  await pause(3)
  const { user, system } = process.cpuUsage()
  const [main] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return { main: Number(main), all: (user + system) * 1000 }
}

await turns(0)
await pause(300)
const before = await cpu()
const delay = monitorEventLoopDelay({ resolution: 1 })
if (pace > 0) delay.enable()
inCalls = 0n
const start = performance.now()
const times = await turns(lines)
// A transport of pino does not keep the process alive while it writes what is left.
const awake = setInterval(() => undefined, 60_000)
await close()
clearInterval(awake)
const seconds = (performance.now() - start) / 1000
delay.disable()
const after = await cpu()
process.send({
  ids,
  call: Number(inCalls) / lines,
  main: (after.main - before.main) / lines,
  all: (after.all - before.all) / lines,
  perSecond: lines / seconds,
  // Paced: how much later than wanted a timer fires. As fast as it goes: how long another callback would have waited for its turn.
  delay: pace > 0 ? delay.percentile(99) / 1e6 : times[Math.floor(times.length * 0.99)],
})
process.disconnect()
