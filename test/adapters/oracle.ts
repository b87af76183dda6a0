import { heavy, projectFile, startNode } from '../support'

/** What came out of `test/fixtures/adapters/burst.cjs`, by whoever read its output. */
export interface Judgement {
  /** Lines that came, of all that were logged. */
  readonly lines: number
  readonly missing: number
  readonly doubled: number
  /** Lines with another trace id or another MDC than that of the flow which logged them. */
  readonly wrong: number
}

const USERS = 100
const LINES = heavy ? 200 : 50
/** How many lines are logged. */
export const TOTAL = USERS * LINES
/** Each line once and with the right id. */
export const FAULTLESS: Judgement = { lines: TOTAL, missing: 0, doubled: 0, wrong: 0 }

interface Line {
  readonly nonce: string
  readonly expected: string
  readonly user: number
  readonly traceId?: string
  readonly tenant?: string
}

/** Lets 100 users log through `adapter` of the package `name`, into a pipe that is read slowly, and counts. */
export async function judge(adapter: string, name: string): Promise<Judgement> {
  const program = startNode([projectFile('test/fixtures/adapters/burst.cjs'), adapter, name, String(LINES)])
  const { stdout: pipe } = program.child
  pipe.on('data', () => {
    pipe.pause()
    setTimeout(() => pipe.resume(), 1)
  })
  const { stdout, stderr, code } = await program.ended
  if (code !== 0 || stderr !== '{"pending":0,"discarded":0}')
    throw new Error(`${adapter} of ${name} ended with ${code}: ${stderr}`)
  const lines = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)
  const seen = new Set(lines.map(({ nonce }) => nonce))
  return {
    lines: lines.length,
    missing: USERS * LINES - seen.size,
    doubled: lines.length - seen.size,
    wrong: lines.filter((line) => line.traceId !== line.expected || line.tenant !== `t${line.user}`).length,
  }
}
