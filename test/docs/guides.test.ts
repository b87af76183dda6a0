import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { expect } from 'chai'
import { projectFile } from '../support'

const guides = readdirSync(projectFile('docs/guides')).map((name) => [
  name,
  readFileSync(projectFile(`docs/guides/${name}`), 'utf8'),
])
const shown = guides.flatMap(([name, text]) =>
  [...(text as string).matchAll(/<!-- (.+) -->\n```diff\n([\s\S]*?)```/g)].map(([, file, diff]) => ({
    name,
    file: file as string,
    diff,
  })),
)

describe('guides', () => {
  it('show the diff of each drop-in app', () => {
    const apps = readdirSync(projectFile('test/drop-in/apps')).map((app) => `test/drop-in/apps/${app}/adopt.diff`)
    expect(shown.map(({ file }) => file).sort()).to.deep.equal(apps.filter((file) => existsSync(projectFile(file))).sort())
  })

  for (const { name, file, diff } of shown) {
    it(`${name} shows ${file} as the test applies it`, () => {
      expect(diff?.trimEnd()).to.equal(readFileSync(projectFile(file), 'utf8').trimEnd())
    })
  }
})
