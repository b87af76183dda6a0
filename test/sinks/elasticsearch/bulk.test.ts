import { expect } from 'chai'
import fc from 'fast-check'
import { BulkMaker } from '../../../lib/sinks/elasticsearch/bulk'
import { indexAt } from '../../../lib/sinks/elasticsearch/options'
import { heavy } from '../../support'
import { randomLines } from '../../support/random-lines'

type Said = Readonly<Record<string, unknown>>

/* The same in the plainest way, as the body is a text of lines; those of now are not told apart by their milliseconds. */
function plainBody(lines: readonly Buffer[], index: string): string {
  return lines
    .map((bytes) => {
      const line = bytes.toString()
      const said = parsed(line)
      const dated = said['@timestamp']
      const given = typeof dated === 'string' ? Date.parse(dated) : said['time']
      const time = typeof given === 'number' && Math.abs(given) <= 8.64e15 ? given : Date.now()
      const [instance, seq] = [said['instance'] ?? said['tracelane.instance'], said['seq'] ?? said['tracelane.seq']]
      const id = typeof instance === 'string' && typeof seq === 'number' ? { _id: `${instance}-${seq}` } : {}
      const action = JSON.stringify({ create: { _index: indexAt(index, time), ...id } })
      const stamp = `{"@timestamp":"${new Date(time).toISOString()}",`
      return `${action}\n${dated !== undefined || !line.startsWith('{"') ? line : stamp + line.slice(1)}\n`
    })
    .join('')
}

function parsed(line: string): Said {
  try {
    return (JSON.parse(line) ?? {}) as Said
  } catch {
    return {}
  }
}

function bodyOf(maker: BulkMaker, lines: readonly Buffer[]): string {
  let end = 0
  const rows = lines.map(({ length }) => {
    const start = end
    end += length + 1
    return { start, end, severity: 9, seq: 0, traceId: undefined }
  })
  return maker.bodyOf(Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])), rows).toString()
}

const today = new RegExp(`${new Date().toISOString().slice(0, 8)}\\d\\dT[\\d:.]+Z`, 'g')

describe('BulkMaker', () => {
  for (const index of ['logs-tracelane-default', 'größe-%{yyyy.MM.dd}']) {
    it(`makes of random lines what JSON.parse and JSON.stringify make of them, index ${index}`, () => {
      const maker = new BulkMaker(index)
      fc.assert(
        fc.property(randomLines, (lines) => {
          expect(bodyOf(maker, lines).replace(today, 'now')).to.equal(plainBody(lines, index).replace(today, 'now'))
        }),
        { numRuns: heavy ? 5_000 : 400 },
      )
    })
  }

  it('has the day of each line, and the instance of a head that was met before', () => {
    const maker = new BulkMaker('x-%{dd}')
    const head = '"level":"info","logger":"a","msg":"order placed","host":"h","pid":7,"instance":"00c0ffee00c0ffee"'
    const lines = [0, 86_400_000, 0].map((time, seq) => Buffer.from(`{"time":${time},${head},"hlc":"0","seq":${seq}}`))
    const actions = bodyOf(maker, lines)
      .split('\n')
      .filter((_, i) => i % 2 === 0)
    expect(actions.slice(0, 3)).to.deep.equal([
      '{"create":{"_index":"x-01","_id":"00c0ffee00c0ffee-0"}}',
      '{"create":{"_index":"x-02","_id":"00c0ffee00c0ffee-1"}}',
      '{"create":{"_index":"x-01","_id":"00c0ffee00c0ffee-2"}}',
    ])
  })
})
