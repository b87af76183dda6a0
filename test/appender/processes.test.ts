import { join } from 'node:path'
import { expect } from 'chai'
import { jsonLinesOf, projectFile, runNode, tempFolder } from '../support'

const PROGRAM = projectFile('test/fixtures/appender/processes.cjs')

describe('several processes with one file', () => {
  for (const how of ['cluster', 'fork']) {
    it(`lose nothing and tear no line (${how})`, async () => {
      const path = join(tempFolder(), 'out.log')
      const { code, stderr } = await runNode([PROGRAM, how, path])
      expect({ code, stderr }).to.deep.equal({ code: 0, stderr: '' })
      const numbers = new Map<unknown, unknown[]>()
      for (const { instance, i } of jsonLinesOf(path)) numbers.set(instance, (numbers.get(instance) ?? []).concat(i))
      expect(numbers.size).to.equal(4)
      const all = Array.from({ length: 3000 }, (_, i) => i)
      for (const ofOne of numbers.values()) expect(ofOne).to.deep.equal(all)
    })
  }
})
