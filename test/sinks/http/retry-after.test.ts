import { expect } from 'chai'
import { retryAfterMs } from '../../../lib/sinks/http/retry-after'

const NOW = Date.UTC(2026, 10, 6, 8, 49, 37)

describe('retryAfterMs()', () => {
  const cases: Readonly<Record<string, readonly [value: string | undefined, date: string | undefined, ms: number | undefined]>> =
    {
      seconds: ['3', undefined, 3_000],
      zero: ['0', undefined, 0],
      'seconds in spaces': [' 7 ', undefined, 7_000],
      'seconds up to ten minutes at most': ['86400', undefined, 600_000],
      'a date, by our clock': ['Fri, 06 Nov 2026 08:49:47 GMT', undefined, 10_000],
      "a date, by the server's clock, which is an hour ahead": [
        'Fri, 06 Nov 2026 09:49:42 GMT',
        'Fri, 06 Nov 2026 09:49:37 GMT',
        5_000,
      ],
      'a date of RFC 850': ['Friday, 06-Nov-26 08:49:38 GMT', undefined, 1_000],
      'a date of asctime': ['Fri Nov  6 08:49:39 2026', undefined, 2_000],
      'a date that has passed': ['Fri, 06 Nov 2026 08:49:27 GMT', undefined, 0],
      'a date beside a date that cannot be read': ['Fri, 06 Nov 2026 08:49:47 GMT', 'yesterday', 10_000],
      nothing: [undefined, undefined, undefined],
      'an empty text': ['', undefined, undefined],
      'a number below zero': ['-1', undefined, undefined],
      'a fraction': ['1.5', undefined, undefined],
      'no number and no date': ['soon', undefined, undefined],
      'a year alone': ['2026-11-06', undefined, undefined],
      'a number too long for one': ['9'.repeat(400), undefined, undefined],
    }
  for (const [what, [value, date, ms]] of Object.entries(cases)) {
    it(`reads ${what}`, () => {
      expect(retryAfterMs(value, date, NOW)).to.equal(ms)
    })
  }
})
