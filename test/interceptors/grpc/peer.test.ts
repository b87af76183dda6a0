import { expect } from 'chai'
import { type GrpcModule, loadGrpc, quietly, requireInterceptors } from '../../../interceptors/grpc/peer'
import { internalFailure } from '../../../lib/diagnostics'

describe('loadGrpc()', () => {
  it('gives the module that the application has', () => {
    expect(loadGrpc()).to.equal(require('@grpc/grpc-js'))
  })
})

describe('requireInterceptors()', () => {
  it('refuses a version before 1.10, which has no server interceptors, and says how to get a newer one', () => {
    const { ServerInterceptingCall: _missing, ...old } = loadGrpc()
    expect(() => requireInterceptors(old as GrpcModule))
      .to.throw(/1\.10 or later; update it with: npm install @grpc\/grpc-js@latest/)
      .with.property('code', 'ERR_TRACELANE_PEER_TOO_OLD')
  })
})

describe('quietly()', () => {
  it('gives the other value and complains when the action throws', () => {
    const heard: unknown[] = []
    const listen = (message: unknown): number => heard.push(message)
    internalFailure.subscribe(listen)
    try {
      const value = quietly('as it was', () => {
        throw new Error('no')
      })
      expect(value).to.equal('as it was')
      expect(heard).to.deep.equal([{ kind: 'grpc', message: 'a gRPC call could not be traced: no' }])
    } finally {
      internalFailure.unsubscribe(listen)
    }
  })
})
