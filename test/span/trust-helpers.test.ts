import { Metadata } from '@grpc/grpc-js'
import { expect } from 'chai'
import { trustCidr, trustSecret } from 'tracelane'

describe('trustCidr()', () => {
  const trusts = trustCidr(['10.0.0.0/8', '192.168.1.7', '::1', 'fd00::/8'])
  const addresses: readonly (readonly [string | undefined, boolean])[] = [
    ['10.1.2.3', true],
    ['::ffff:10.1.2.3', true],
    ['11.1.2.3', false],
    ['::ffff:11.1.2.3', false],
    ['192.168.1.7', true],
    ['192.168.1.8', false],
    ['::1', true],
    ['::2', false],
    ['fd12::1', true],
    ['fd12::1%eth0', true],
    ['fe80::1', false],
    ['', false],
    ['localhost', false],
    [undefined, false],
  ]
  for (const [address, trusted] of addresses) {
    it(`${trusted ? 'trusts' : 'does not trust'} ${address} as the address of a socket`, () => {
      expect(trusts({ socket: { remoteAddress: address } })).to.equal(trusted)
    })
  }

  it('reads the peer of a gRPC call', () => {
    expect(['10.0.0.7:4000', '::1:4000', '[::1]:4000', '::ffff:10.0.0.7:4000'].map((peer) => trusts({ peer }))).to.deep.equal(
      Array(4).fill(true),
    )
    expect(['11.0.0.7:4000', '::2:4000', 'unknown', '/tmp/socket'].map((peer) => trusts({ peer }))).to.deep.equal(
      Array(4).fill(false),
    )
  })

  it('does not look at headers', () => {
    expect(trusts({ socket: { remoteAddress: '8.8.8.8' }, headers: { 'x-forwarded-for': '10.0.0.1' } })).to.equal(false)
  })

  it('refuses what is no address or network', () => {
    for (const wrong of ['10.0.0.0/33', '10.0.0.0/', '10.0.0.0/x', '::/129', 'host', '', '10.0.0.0/8/8', 7]) {
      expect(() => trustCidr([wrong as string]), String(wrong)).to.throw(/trustCidr takes a list/)
    }
    expect(() => trustCidr('10.0.0.0/8' as never)).to.throw(/trustCidr takes a list/)
  })
})

describe('trustSecret()', () => {
  const trusts = trustSecret({ header: 'X-Mesh-Key', secret: ['old', 'new'] })

  it('trusts a caller that sends one of the secrets, as a header or as metadata', () => {
    const metadata = new Metadata()
    metadata.set('x-mesh-key', 'new')
    expect(trusts({ headers: { 'x-mesh-key': 'old' } })).to.equal(true)
    expect(trusts({ headers: new Headers({ 'x-mesh-key': 'new' }) })).to.equal(true)
    expect(trusts({ metadata })).to.equal(true)
  })

  it('trusts nobody else', () => {
    for (const key of ['', 'ne', 'newer', 'NEW', 'old, new', ['old', 'new'], undefined, 7]) {
      expect(trusts({ headers: { 'x-mesh-key': key } }), String(key)).to.equal(false)
    }
    expect(trusts({})).to.equal(false)
    expect(trusts({ headers: { 'x-mesh-key': 'new'.padEnd(5000, 'x') } })).to.equal(false)
  })

  it('refuses wrong options, and does not show the secret', () => {
    expect(() => trustSecret({ header: 'a' } as never)).to.throw(/trustSecret needs 'secret'/)
    for (const secret of ['', [], ['a', ''], 7]) {
      expect(() => trustSecret({ header: 'a', secret: secret as string })).to.throw(/'secret' must be/)
    }
  })
})
