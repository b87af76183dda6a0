import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { checksumBuffer, crc32c } from '../../lib/spool/checksum'

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
      fc.property(fc.uint8Array({ maxLength: 2000, size: 'max' }), fc.nat(7), (bytes, shift) => {
        const shifted = new Uint8Array(bytes.length + shift).subarray(shift)
        shifted.set(bytes)
        expect(crc32c(shifted)).to.equal(slowly(bytes))
      }),
      { endOnFailure: true },
    )
  })

  it('gives the same whatever is left over when it goes in steps', () => {
    const random = randomBytes(2_000)
    for (let length = 1_000; length < 1_500; length++) {
      expect(crc32c(random.subarray(0, length)), `${length} bytes`).to.equal(slowly(random.subarray(0, length)))
    }
  })

  it('leaves out what stands before its start', () => {
    const random = randomBytes(70_000)
    const buffer = checksumBuffer(random.length) as Buffer
    buffer.set(random)
    for (const [start, end] of [
      [1, 50],
      [40, 900],
      [40, 2_000],
      [33, 70_000],
    ] as const) {
      const sum = slowly(random.subarray(start, end))
      expect(crc32c(random.subarray(0, end), 0, start)).to.equal(sum)
      expect(crc32c(buffer.subarray(0, end), 0, start), 'not copied').to.equal(sum)
    }
  })

  it('gives the same for what is longer than one piece, and stands where it is not copied', () => {
    const random = randomBytes(300_000)
    for (const length of [65_535, 65_536, 65_537, 65_600, 66_559, 66_560, 200_001, 262_144, 300_000]) {
      const bytes = random.subarray(length % 7, length)
      const crc = slowly(bytes)
      expect(crc32c(bytes), `${length} bytes`).to.equal(crc)
      const buffer = checksumBuffer(bytes.length)
      if (length <= 262_144) expect(buffer, `a buffer of ${length} bytes`).to.have.length(bytes.length)
      buffer?.set(bytes)
      if (buffer !== undefined) expect(crc32c(buffer), `${length} bytes, not copied`).to.equal(crc)
    }
  })

  it('sees each single bit', () => {
    const bytes = Buffer.alloc(70_000)
    const before = crc32c(bytes)
    for (let bit = 0; bit < bytes.length * 8; bit += 7919) {
      const at = bit >> 3
      bytes[at] = 1 << (bit & 7)
      expect(crc32c(bytes), `bit ${bit}`).to.equal(slowly(bytes)).and.not.equal(before)
      bytes[at] = 0
    }
  })

  it('leaves what it looks at as it was', () => {
    const buffer = checksumBuffer(70_000) as Buffer
    randomBytes(70_000).copy(buffer)
    const copy = Buffer.from(buffer)
    crc32c(buffer)
    expect(buffer.equals(copy)).to.equal(true)
  })

  it('gives the same where there is no WebAssembly', async () => {
    const program = `const { checksumBuffer, crc32c } = require(process.argv[1])
      console.log(checksumBuffer(100), crc32c(Buffer.alloc(70_000, 'tracelane')))`
    const door = join(__dirname, '../../lib/spool/checksum/index.js')
    const { stdout } = await promisify(execFile)(process.execPath, ['--jitless', '-e', program, door])
    expect(stdout.trim()).to.equal(`undefined ${crc32c(Buffer.alloc(70_000, 'tracelane'))}`)
  })

  it('goes on from the checksum of what stands before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), fc.uint8Array({ maxLength: 300, size: 'max' }), (a, b) => {
        expect(crc32c(b, crc32c(a))).to.equal(crc32c(Buffer.concat([a, b])))
      }),
      { endOnFailure: true },
    )
    const long = randomBytes(150_000)
    for (const at of [100, 1024, 20_000, 70_000]) {
      expect(crc32c(long.subarray(at), crc32c(long.subarray(0, at)))).to.equal(slowly(long))
    }
  })
})
