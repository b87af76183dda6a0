import { expect } from 'chai'
import fc from 'fast-check'
import { crc32c } from '../../lib/spool'

/* RFC 3720, appendix B.4, and the check value of the catalogue of parametrised CRC algorithms. */
const VECTORS: readonly (readonly [name: string, bytes: Buffer, crc: number])[] = [
  ['nothing', Buffer.alloc(0), 0],
  ["'123456789'", Buffer.from('123456789'), 0xe3069283],
  ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
  ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ['31 to 0', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  [
    'an iSCSI read command',
    Buffer.from('01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000', 'hex'),
    0xd9963a56,
  ],
]

/* Bit by bit, as the polynomial says it. */
function slowly(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

describe('crc32c()', () => {
  for (const [name, bytes, crc] of VECTORS) {
    it(`gives that of ${name}`, () => {
      expect(crc32c(bytes)).to.equal(crc)
    })
  }

  it('gives the same whatever the length and the place in memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(7), (bytes, shift) => {
        const shifted = new Uint8Array(bytes.length + shift).subarray(shift)
        shifted.set(bytes)
        expect(crc32c(shifted)).to.equal(slowly(bytes))
      }),
    )
  })

  it('goes on from the checksum of what stands before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 }), (a, b) => {
        expect(crc32c(b, crc32c(a))).to.equal(crc32c(Buffer.concat([a, b])))
      }),
    )
  })
})
