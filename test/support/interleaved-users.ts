import { type StartOptions, startNode } from './processes'
import { projectFile } from './project'
import { heavy } from './requires'

const USERS = 100
const LINES_PER_USER = heavy ? 200 : 50
/* How long this side does nothing after each piece of output: the writer fills the pipe again in a fraction of that. */
const READER_SLEEPS_MS = 4

/** What became of the lines of a program. All but `lines` is 0 when each line came once, with the id and the MDC of its user. */
export interface Verdict {
  /** Lines with a nonce. */
  readonly lines: number
  readonly missing: number
  readonly doubled: number
  /** Lines with another trace id than that of their user, or none. */
  readonly wrongId: number
  /** Lines with another MDC than that of their user, or none. */
  readonly wrongMdc: number
}

/** The verdict on `lines` lines of which nothing is wrong; without a number, on those of `interleavedUsers`: 5,000, 20,000 with TRACELANE_HEAVY. */
export function allRight(lines: number = USERS * LINES_PER_USER): Verdict {
  return { lines, missing: 0, doubled: 0, wrongId: 0, wrongMdc: 0 }
}

/**
 * Runs a program of test/fixtures/adapters that calls `users()` of users.cjs, reads its stdout slowly, so that whoever writes is under
 * backpressure, and judges its lines from outside: by the nonce in each, and JSON's `traceId` and `tenant`.
 */
export async function interleavedUsers(
  program: string,
  args: readonly string[] = [],
  linesPerUser = LINES_PER_USER,
  options: StartOptions = {},
): Promise<Verdict> {
  const env = { ...options.env, LINES_PER_USER: String(linesPerUser) }
  const running = startNode([projectFile(`test/fixtures/adapters/${program}`), ...args], { ...options, env })
  const { stdout: pipe } = running.child
  pipe.on('data', () => {
    pipe.pause()
    setTimeout(() => pipe.resume(), READER_SLEEPS_MS)
  })
  const { code, stdout, stderr } = await running.ended
  if (code !== 0 || stderr !== '') throw new Error(`${program} ended with ${code}: ${stderr}`)
  return judge(stdout.split('\n').slice(0, -1), linesPerUser)
}

/** Judges lines of `users()`, as read from where they went. */
export function judge(lines: readonly string[], linesPerUser: number): Verdict {
  const seen = new Map<string, number>()
  let wrongId = 0
  let wrongMdc = 0
  for (const line of lines) {
    const [nonce, user] = /nonce-(\d+)-\d+/.exec(line) ?? []
    if (nonce === undefined) continue
    seen.set(nonce, (seen.get(nonce) ?? 0) + 1)
    const { traceId, tenant } = JSON.parse(line) as { traceId?: string; tenant?: string }
    if (traceId !== (Number(user) + 1).toString(16).padStart(32, '0')) wrongId++
    if (tenant !== `t${user}`) wrongMdc++
  }
  const times = [...seen.values()].reduce((sum, count) => sum + count, 0)
  return { lines: times, missing: USERS * linesPerUser - seen.size, doubled: times - seen.size, wrongId, wrongMdc }
}
