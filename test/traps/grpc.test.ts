import { expect } from 'chai'
import { GRPC_TRAPS } from './grpc'

describe('traps of @grpc/grpc-js', () => {
  for (const { side, type, plain, run } of GRPC_TRAPS) {
    it(`${type} on the ${side}: as the table says without our interceptor`, async () => {
      expect(await run(false)).to.deep.equal(plain)
    })

    it(`${type} on the ${side}: ok in every event with our interceptor`, async () => {
      const seen = await run(true)
      expect(seen).to.have.all.keys(plain)
      expect(new Set(Object.values(seen))).to.deep.equal(new Set(['ok']))
    })
  }
})
