import { resolve } from 'node:path'
import { expect } from 'chai'
import { type RollingFileSinkOptions, rollingFileSink } from 'tracelane'
import { destinationOf, isAsyncSink, readSink } from '../../../lib/sinks'

const filePattern = 'logs/app-%d{yyyy-MM-dd}.%i.log.gz'

describe('rollingFileSink()', () => {
  it('has all defaults, and is frozen data that crosses threads', () => {
    const spec = rollingFileSink({ filePattern })
    expect(spec).to.deep.equal({
      kind: 'rolling-file',
      options: {
        filePattern: resolve(filePattern),
        path: undefined,
        maxFileBytes: undefined,
        rollOnStart: false,
        maxHistory: undefined,
        totalSizeCapBytes: undefined,
        timezone: undefined,
        multiProcess: false,
        jitterMs: 0,
        mode: 0o666,
        directoryMode: 0o777,
        ordering: true,
        layout: 'json',
      },
    })
    expect(spec).to.be.frozen
    expect(spec.options).to.be.frozen
    expect(structuredClone(spec)).to.deep.equal(spec)
    expect(isAsyncSink(spec)).to.equal(false)
  })

  it('can be read from a file of options, and read again', () => {
    const options = { filePattern, path: 'logs/app.log', maxFileBytes: 1000 }
    expect(readSink({ kind: 'rolling-file', options } as never)).to.deep.equal(rollingFileSink(options))
    expect(readSink(rollingFileSink(options))).to.deep.equal(rollingFileSink(options))
  })

  it('is named by the file that is written, as a fileSink to it is, or by the pattern', () => {
    expect(destinationOf(rollingFileSink({ filePattern, path: 'logs/app.log' }))).to.equal(`the file ${resolve('logs/app.log')}`)
    expect(destinationOf(rollingFileSink({ filePattern }))).to.equal(`the files ${resolve(filePattern)}`)
  })

  for (const pattern of [
    'a-%d.log',
    'a-%d{yyyy}.log',
    'a-%d{yyyyMM}.log',
    'a-%d{uuuu-DDD}.log',
    "a-%d{yyyy-MM-dd'T'HH}.log",
    '%d{yyyy}/%d{MM}/a-%d{dd}-%d{HH}%d{mm}%d{ss}.log',
    '100%%-%d{yyyy-MM}.log.gz',
  ]) {
    it(`takes ${pattern}`, () => {
      expect(rollingFileSink({ filePattern: pattern }).options.filePattern).to.equal(resolve(pattern))
    })
  }

  const refused: Readonly<Record<string, readonly [options: unknown, cure: RegExp]>> = {
    'no options': [undefined, /rollingFileSink takes an object of options/],
    'no pattern': [{ path: 'a.log' }, /needs 'filePattern'/],
    'a pattern that is one name': [{ filePattern: 'a.log', maxFileBytes: 9 }, /needs a %d or a %i/],
    'two counters': [{ filePattern: 'a-%i-%i.log', maxFileBytes: 9 }, /has %i more than once/],
    'another conversion': [{ filePattern: 'a-%d-%m.log' }, /has %m; it may have %d\{\.\.\.\}, %i and %%/],
    'a percent at the end': [{ filePattern: 'a-%d-%' }, /has %; it may have/],
    'a name of a month': [{ filePattern: 'a-%d{yyyy-MMM-dd}.log' }, /has 'MMM' in %d\{yyyy-MMM-dd\}; it may have yyyy/],
    'a number without zeros': [{ filePattern: 'a-%d{yyyy-M-d}.log' }, /has 'M' in/],
    'a day without a month': [{ filePattern: 'a-%d{yyyy-dd}.log' }, /names a time that comes again/],
    'an hour alone': [{ filePattern: 'a-%d{HH}.log' }, /names a time that comes again/],
    'a folder in a date': [{ filePattern: '%d{yyyy/MM}/a.log' }, /write %d\{yyyy\}\/%d\{MM\}/],
    'a zone that is none': [
      { filePattern, timezone: 'Mars/Olympus' },
      /names a time zone 'Mars\/Olympus' that Node does not know/,
    ],
    'a size without a counter': [{ filePattern: 'a-%d.log', maxFileBytes: 9 }, /'maxFileBytes' needs a %i/],
    'a start without a counter': [{ filePattern: 'a-%d.log', rollOnStart: true }, /'rollOnStart' needs a %i/],
    'nothing that finishes a file': [{ filePattern: 'a-%i.log' }, /nothing would ever finish a file/],
    'a path that the pattern can have': [
      { filePattern: 'a-%i.log', path: './a-7.log', maxFileBytes: 9 },
      /'path' must not be a name that 'filePattern' can have/,
    ],
    'a path that the pattern can have, compressed': [{ filePattern: 'a-%d.log.gz', path: 'a-2026-01-02.log' }, /'path' must not/],
    'no size': [{ filePattern, maxFileBytes: 0 }, /'maxFileBytes' must be an integer from 1/],
    'no history': [{ filePattern, maxHistory: 0 }, /'maxHistory' must be an integer from 1/],
    'no room': [{ filePattern, totalSizeCapBytes: 0.5 }, /'totalSizeCapBytes' must be an integer from 1/],
    'an unknown key': [{ filePattern, maxSize: 3 }, /does not know 'maxSize'/],
    'a layout that is none': [{ filePattern, layout: 'xml' }, /layout/],
  }
  for (const [what, [options, cure]] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      expect(() => rollingFileSink(options as RollingFileSinkOptions))
        .to.throw(cure)
        .with.property('code')
        .that.matches(/^ERR_TRACELANE_OPTION_/)
    })
  }
})
