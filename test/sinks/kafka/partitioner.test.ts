import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { partitionHash } from '../../../lib/sinks/kafka/partitioner'
import { projectFile } from '../../support'

const { keys } = JSON.parse(readFileSync(projectFile('test/vectors/kafka-partitions.json'), 'utf8')) as {
  readonly keys: Readonly<Record<string, number>>
}

describe('partitionHash()', () => {
  for (const [key, hash] of Object.entries(keys)) {
    it(`is what the Java client makes of '${key}'`, () => {
      expect(partitionHash(Buffer.from(key))).to.equal(hash)
    })
  }
})
