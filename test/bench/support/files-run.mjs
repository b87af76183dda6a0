// One sample of files.mjs, in a process of its own: writes `lines` lines, 100 in each turn of the event loop, waits until all are written,
// and tells its parent what that cost. Arguments: logger, folder, lines, bytes of a file (0: one file).
import { setTimeout as pause, setImmediate as turnOver } from 'node:timers/promises'
import { LOGGERS } from './files-rows.mjs'
import { cpuMicros } from './runs.mjs'

const LINES_A_TURN = 100
const GRACE_MS = 500
const [, , name, folder, lineCount, bytes] = process.argv

async function measure() {
  const [, open] = LOGGERS[name]
  const { write, drained } = await open(folder, Number(bytes) || undefined)
  const lines = Number(lineCount)
  const [begin, cpu] = [performance.now(), cpuMicros()]
  for (let i = 0; i < lines; await turnOver()) for (const end = Math.min(i + LINES_A_TURN, lines); i < end; i++) write(i)
  await drained()
  const result = { wall: ((performance.now() - begin) * 1000) / lines, cpu: (cpuMicros() - cpu) / lines }
  // Whoever says too early that all is written is not to lose lines by that.
  await pause(GRACE_MS)
  return result
}

// Nobody else may be there who does: the workers of loggers keep no process alive.
setInterval(() => {}, 60_000)
measure().then(
  (result) => process.send(result, () => process.exit()),
  (error) => process.send({ missing: error.message }, () => process.exit()),
)
