import { expect } from 'chai'
import { allRight, interleavedUsers } from '../support'

/* Each with the current major of the package and with the one before. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  pino: ['pino', 'pino9'],
  'pino-multistream': ['pino', 'pino9'],
  winston: ['winston', 'winston-3.2'],
  'winston-beside-slow': ['winston', 'winston-3.2'],
  bunyan: ['bunyan', 'bunyan1'],
  log4js: ['log4js', 'log4js5'],
}

describe(`${allRight().lines} lines of 100 interleaved users, into a pipe that is read slowly,`, function () {
  this.timeout(60_000)
  for (const [adapter, names] of Object.entries(PACKAGES)) {
    for (const name of names) {
      it(`come once each, with the right id, through ${adapter} of ${name}`, async () => {
        expect(await interleavedUsers('burst.cjs', [adapter, name])).to.deep.equal(allRight())
      })
    }
  }
})
