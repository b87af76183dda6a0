// The main job as a user runs it: `npm start -- --once --json` in a trace of the caller's ends with 0 and shows that trace.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'

const traceId = randomBytes(16).toString('hex')
const TRACEPARENT = `00-${traceId}-${randomBytes(8).toString('hex')}-01`
const { status, stdout, stderr } = spawnSync('npm', ['start', '--silent', '--', '--once', '--json'], {
  env: { ...process.env, TRACEPARENT },
  encoding: 'utf8',
})
process.stdout.write(stdout)
process.stderr.write(stderr)
if (status !== 0) throw new Error(`npm start ended with ${status}`)
if (!stdout.includes(traceId)) throw new Error(`the caller's trace ${traceId} is not in what npm start printed`)
