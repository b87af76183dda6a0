import { appendFileSync, writeSync } from 'node:fs'
import { constants } from 'node:os'
import { guardExit } from '../appender'
import { complain } from '../diagnostics'
import { reasonOf } from '../event'
import { processWide } from '../internal/runtime'
import { type Diagnosis, diagnose } from './diagnosis'
import { renderDiagnosis } from './render'
import { watch } from './watch'

const state = processWide('doctor.switch.1', () => ({ on: false }))

/*
 * The doctor as a program: it watches from now on, and speaks once, after the last log line, when the process ends.
 *
 *   TRACELANE_DOCTOR_FILE    a file to which each process and thread that has something to say adds its diagnosis as one line of JSON
 *   TRACELANE_DOCTOR_SIGNAL  the signal at which it speaks while the process goes on; none by default, because a listener takes away
 *                            what the signal does by default
 */
export function switchOn(): void {
  if (state.on) return
  state.on = true
  watch()
  let said = false
  guardExit({
    maxFlushTimeMs: 0,
    drainOnSignals: true,
    drain: () => 0,
    keepRest: () => 0,
    ended() {
      if (!said) say()
      said = true
    },
  })
  const signal = process.env['TRACELANE_DOCTOR_SIGNAL']
  if (signal === undefined || signal === '') return
  if (Object.hasOwn(constants.signals, signal)) process.on(signal as NodeJS.Signals, say)
  else complain('doctor', `TRACELANE_DOCTOR_SIGNAL is no signal of this system; use SIGUSR2, say`)
}

function say(): void {
  try {
    const diagnosis = diagnose()
    if (!isWorthSaying(diagnosis)) return
    const file = process.env['TRACELANE_DOCTOR_FILE']
    if (file !== undefined && file !== '') appendFileSync(file, `${JSON.stringify(diagnosis)}\n`)
    writeToStderr(renderDiagnosis(diagnosis))
  } catch (error) {
    complain('doctor', `the doctor could not report: ${reasonOf(error)}`)
  }
}

/*
 * NODE_OPTIONS reach npm and every tool that a process starts, and each worker thread; those that have nothing to do with tracelane are
 * passed over in silence.
 */
function isWorthSaying({ used, threadId, logCalls, requests }: Diagnosis): boolean {
  const counted = (logCalls?.total ?? 0) + (requests?.total ?? 0)
  if (threadId !== 0) return counted > 0
  return used || process.execArgv.some((arg) => /\bdoctor\b/.test(arg))
}

const BUSY_PAUSE_MS = 5
const MAX_PAUSES = 200

/* A pipe that is full, and was made non-blocking by somebody, says EAGAIN. */
function writeToStderr(text: string): void {
  let rest = Buffer.from(text)
  for (let pauses = 0; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(2, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || pauses++ === MAX_PAUSES) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS)
    }
  }
}
