import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { projectFile } from '../support'
import { GRPC_TRAPS } from './grpc'
import { PAGE, renderPage } from './page'
import { GROUPS } from './table'
import { expectedOn, NODE_LINES } from './trap'

describe('the page of the traps', () => {
  it('is what the expectations say (npm run docs:traps writes it)', () => {
    expect(readFileSync(projectFile(PAGE), 'utf8')).to.equal(renderPage())
  })

  it('has a cure for each trap that is not ok on some line of Node.js, and for no other', () => {
    for (const trap of GROUPS.flatMap(({ traps }) => traps)) {
      const bad = NODE_LINES.some((line) => expectedOn(trap, line) !== 'ok')
      expect(trap.cure !== undefined, trap.name).to.equal(bad)
    }
    expect(GRPC_TRAPS).to.have.length(8)
  })
})
