import { Metadata } from '@grpc/grpc-js'
import { expect } from 'chai'
import { metadataGetter, metadataSetter } from '../../../interceptors/grpc/metadata'

describe('metadataGetter', () => {
  it('gives undefined, one text or several', () => {
    const metadata = new Metadata()
    metadata.set('one', 'a')
    metadata.add('two', 'a')
    metadata.add('two', 'b')
    expect(['none', 'one', 'two'].map((key) => metadataGetter.get(metadata, key))).to.deep.equal([undefined, 'a', ['a', 'b']])
  })

  it('reads bytes as missing', () => {
    const metadata = new Metadata()
    metadata.set('trace-bin', Buffer.from('a'))
    expect(metadataGetter.get(metadata, 'trace-bin')).to.equal(undefined)
  })
})

describe('metadataSetter', () => {
  it('replaces all values of a key', () => {
    const metadata = new Metadata()
    metadata.add('key', 'a')
    metadata.add('key', 'b')
    metadataSetter.set(metadata, 'key', 'c')
    expect(metadata.get('key')).to.deep.equal(['c'])
  })

  it('writes a tab, which HTTP headers may have, as a space', () => {
    const metadata = new Metadata()
    metadataSetter.set(metadata, 'baggage', 'k=v;a\t=\tb')
    expect(metadata.get('baggage')).to.deep.equal(['k=v;a = b'])
  })

  it('leaves out what metadata cannot carry', () => {
    const metadata = new Metadata()
    for (const text of ['a\nb', 'ü', '\u007f']) metadataSetter.set(metadata, 'key', text)
    expect(metadata.getMap()).to.deep.equal({})
  })
})
