import { readdirSync } from 'node:fs'
import { expect } from 'chai'
import { startNode } from './support'
import { APPS, type App, adopt, apps, ask, diffOf, users } from './support/drop-in'

const USERS = 100
const MOST_CHANGES = 10
const NONCE = /nonce-[0-9a-f]{16}/

function linesByNonce(app: App, stdout: string): Map<string, string[]> {
  const ids = new Map<string, string[]>()
  for (const line of stdout.split('\n')) {
    const nonce = NONCE.exec(line)?.[0]
    const id = nonce === undefined ? undefined : app.idOf(line)
    if (nonce !== undefined && id !== undefined) ids.set(nonce, [...(ids.get(nonce) ?? []), id])
  }
  return ids
}

describe('dropping tracelane into an existing app', function () {
  this.timeout(60_000)

  it('is shown by each app of the folder', () => {
    expect(readdirSync(APPS).sort()).to.deep.equal(Object.keys(apps).sort())
  })

  for (const [name, app] of Object.entries(apps)) {
    describe(name, () => {
      it(`takes at most ${MOST_CHANGES} changed lines`, () => {
        const changed = diffOf(name)
          .split('\n')
          .filter((line) => /^[+-](?!\+\+ |-- )/.test(line))
        expect(changed.length).to.be.within(1, MOST_CHANGES)
      })

      it(`puts the id of the answer on every line of ${USERS} interleaved users`, async () => {
        const { folder, main } = await adopt(name, app)
        const program = startNode([main], { cwd: folder, env: { PORT: '0' } })
        const [, port] = await program.waitForOutput(/listening on (\d+)/)
        const answers = await Promise.all(users(app, USERS).map((user) => ask(Number(port), app, user)))
        const { stdout, stderr } = await program.stop()
        const found = linesByNonce(app, stdout)

        expect(stderr).to.equal('')
        expect(new Set(answers.map(({ traceId }) => traceId)).size, 'traces').to.equal(USERS)
        for (const { nonce, traceId, clientTraceId, fails, status } of answers) {
          expect(status >= 400, `${nonce} failed`).to.equal(fails)
          expect(traceId).to.match(/^[0-9a-f]{32}$/)
          if (clientTraceId !== undefined) expect(traceId).to.equal(clientTraceId)
          const count = fails ? app.linesOfFailure : app.lines
          expect(found.get(nonce), nonce).to.deep.equal(Array.from({ length: count ?? 0 }, () => traceId))
        }
        expect(found.size, 'nonces').to.equal(USERS)
      })
    })
  }
})
