import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { appWith, examine } from '../doctor/support'
import { projectFile } from '../support'

const guide = readFileSync(projectFile('docs/guides/doctor.md'), 'utf8')
const shown = [...guide.matchAll(/<!-- (.+\.cjs) -->\n+```text\n([\s\S]*?)```/g)]
const { FINDINGS } = require('../../lib/doctor/finding') as { FINDINGS: Readonly<Record<string, string>> }

/* What differs from run to run, machine to machine and version to version. */
const steady = (text: string): string => text.replace(/in process .*/, 'in a process')

describe('the guide of the doctor', function () {
  this.timeout(60_000)

  it('shows what the doctor prints', async () => {
    const folder = await appWith(['express', 'pino'])
    expect(shown.map(([, program]) => program)).to.deep.equal(['late.cjs', 'lost.cjs', 'healthy.cjs'])
    for (const [, program = '', text = ''] of shown) {
      const { outcome } = await examine(folder, [program])
      expect(steady(outcome.stderr), program).to.equal(steady(text))
    }
  })

  it('shows the program that was examined', () => {
    const [, program = ''] = /```js\n([\s\S]*?)```/.exec(guide) ?? []
    expect(program).to.contain('audit')
    expect(readFileSync(projectFile('test/fixtures/doctor/late.cjs'), 'utf8')).to.contain(program)
  })

  it('has each code with its severity, and no other', () => {
    const rows = [...guide.matchAll(/^\| `([A-Z_]+)` +\| (\w+)/gm)].map(([, code, severity]) => [code, severity])
    expect(Object.fromEntries(rows)).to.deep.equal(FINDINGS)
  })
})
