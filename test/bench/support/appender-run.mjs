// One sample of appender.mjs, in a process of its own: gives `lines` lines away, 100 in each turn of the event loop, and tells its parent
// what that cost. `mode` is 'speed' (until the last line is in the file) or 'overload' (until the last call; what reads the file is slow).
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause, setImmediate as turnOver } from 'node:timers/promises'
import { OPEN } from './appender-rows.mjs'

const LINES_A_TURN = 100
const WARM_UP = 20_000
/* What the slow reader takes in while it is waited for: the thread is there, and nothing is full. */
const OVERLOAD_WARM_UP = 1_000

const [, , row, file, lineCount, mode] = process.argv
const clock = process.hrtime

async function turns(write, count) {
  const times = []
  for (let i = 0; i < count; ) {
    const start = clock.bigint()
    for (const end = i + LINES_A_TURN; i < end; i++) write(i)
    times.push(Number(clock.bigint() - start) / LINES_A_TURN)
    await turnOver()
  }
  return times.sort((a, b) => a - b)
}

async function measure() {
  const { write, drained, counts } = await OPEN[row](file)
  const lines = Number(lineCount)
  await turns(write, mode === 'speed' ? WARM_UP : OVERLOAD_WARM_UP)
  await pause(300)
  const before = process.resourceUsage().maxRSS
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const start = performance.now()
  const times = await turns(write, lines)
  const produced = performance.now() - start
  delay.disable()
  const result = {
    call: times[times.length >> 1],
    produced,
    delay: delay.percentile(99) / 1e6,
    longest: delay.max / 1e6,
    memory: (process.resourceUsage().maxRSS - before) / 1024,
  }
  if (mode === 'overload') return { ...result, ...(await counts()) }
  await drained()
  const whole = performance.now() - start
  return { ...result, drain: whole - produced, perSecond: (lines * 1000) / whole }
}

// Nobody else may be there who does: the workers of loggers keep no process alive.
setInterval(() => {}, 60_000)
measure().then(
  (result) => process.send(result, () => process.exit()),
  (error) => process.send({ missing: error.message, code: error.code }, () => process.exit()),
)
