import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { close, configure, fileSink, getLogger, mdc, runWithTrace } from 'tracelane'
import { currentScope } from '../../lib/context'
import { captureEvent, redactEvent, redactLine, type Statement } from '../../lib/event'
import { createLayout, jsonLayout, type Layout, type Origin, redactingLayout } from '../../lib/layout'
import { compileRedaction, type Redaction } from '../../lib/redaction'
import { tempFolder } from '../support'

/* A secret in every place where one can be; each is a text of its own, so that a line says which place has let it through. */
function leaky(): { readonly secrets: readonly string[]; readonly put: () => void; readonly said: Statement } {
  const secrets: string[] = []
  const canary = (place: string): string => {
    const secret = `Canary0${secrets.length}${place}`
    secrets.push(secret)
    return secret
  }
  const cause = Object.assign(new Error(`connect postgres://app:${canary('CauseUserInfo')}@db failed`), {
    config: { headers: { Authorization: `Bearer ${canary('CauseField')}` } },
  })
  const err = Object.assign(new Error(`401 for /v1?access_token=${canary('Message')}`, { cause }), {
    apiKey: canary('ErrorField'),
  })
  err.stack += `\n    at login (password=${canary('Stack')})`
  const many = new AggregateError([new Error(`token: ${canary('Aggregate')}`)], 'several')
  const fields = {
    password: canary('Field'),
    token: [canary('List')],
    user: { name: 'ann', dbPassword: canary('Nested'), session: { sessionId: { deep: canary('Deep') } } },
    list: [{ cvv: canary('Item') }],
    map: new Map<string, unknown>([
      ['secret', canary('Map')],
      [`Bearer ${canary('MapKey')}`, 1],
    ]),
    [`/v1?token=${canary('Key')}`]: 1,
    set: new Set([{ jwt: canary('Set') }]),
    made: { toJSON: () => ({ clientSecret: canary('Made') }) },
    url: `https://x/y?page=1&sig=${canary('Query')}#z`,
    redis: `redis://:${canary('UserInfo')}@host:1`,
    header: `Bearer ${canary('Bearer')}`,
    body: JSON.stringify({ password: canary('Body') }),
    card: { holder: 'ann', digits: canary('Path') },
    rows: [{ pan: canary('Wildcard') }],
    many,
    get thrown(): never {
      throw new Error(`cannot read ?token=${secrets[0]}`)
    },
  }
  const put = (): void => {
    mdc.put('apiToken', canary('Mdc'))
    mdc.put('referer', `/login?password=${canary('MdcText')}`)
  }
  const msg = `login with password=${canary('Msg')} and Basic ${canary('Basic')}`
  return { secrets, put, said: { level: 'error', logger: 'a', msg, fields, err } }
}

const REDACTION: Redaction = { paths: ['card.digits', 'rows[*].pan'] }
const MODES: Readonly<Record<string, Redaction>> = {
  censor: REDACTION,
  remove: { ...REDACTION, mode: 'remove' },
  hash: { ...REDACTION, hashKey: 'a key that nobody can guess' },
}

function leaks(text: string, secrets: readonly string[]): string[] {
  return secrets.filter((secret) => text.includes(secret))
}

describe('secrets', () => {
  const layouts: Readonly<Record<string, (origin: Origin) => Layout>> = {
    json: (origin) => jsonLayout(origin, true),
    pretty: (origin) => createLayout('pretty', origin, { ordering: true, terminal: false }),
    ecs: (origin) => createLayout('ecs', origin, { ordering: true, terminal: false }),
    otel: (origin) => createLayout('otel', origin, { ordering: true, terminal: false }),
    pattern: (origin) =>
      createLayout({ pattern: '%msg %X %kvp %fields %n%ex %rEx' }, origin, { ordering: true, terminal: false }),
    'a function': (origin) =>
      createLayout((event) => JSON.stringify(event) + (event.err as Error).stack, origin, { ordering: true, terminal: false }),
    'one of the application': (origin) =>
      redactingLayout((event) => `${JSON.stringify(event)} ${(event.err as Error).stack}\n`, origin),
  }
  for (const [name, layoutOf] of Object.entries(layouts)) {
    for (const [mode, redaction] of Object.entries(MODES)) {
      it(`are in no line of layout ${name}, mode ${mode}`, () => {
        const { secrets, put, said } = leaky()
        const layout = layoutOf({ service: undefined, redaction })
        const line = runWithTrace(() => {
          put()
          return layout(captureEvent(currentScope(), said), 1)
        })
        expect(secrets).to.have.length(26)
        expect(leaks(line, secrets)).to.deep.equal([])
        expect(line).to.contain('page=1').and.to.contain('ann')
      })
    }
  }

  it('are all in the line without redaction, so that this test could fail', () => {
    const { secrets, put, said } = leaky()
    const line = runWithTrace(() => {
      put()
      return jsonLayout({ service: undefined, redaction: false }, true)(captureEvent(currentScope(), said), 1)
    })
    expect(leaks(line, secrets)).to.deep.equal(secrets)
    const redacted = redactLine(line, compileRedaction(REDACTION))
    expect(leaks(redacted, secrets)).to.deep.equal([])
  })

  it('are in no file, with the defaults and with options of configure', async () => {
    for (const redaction of [undefined, REDACTION]) {
      const path = join(tempFolder(), 'a.log')
      await configure({ sinks: [fileSink({ path })], ...(redaction === undefined ? {} : { redaction }) })
      const { secrets, put, said } = leaky()
      runWithTrace(() => {
        put()
        getLogger('a').error(said.err, said.msg, said.fields)
        getLogger('a')
          .child({ childToken: 'Canary0Child', childUrl: '/?key=Canary0Child' })
          .info('page=1', { token: 'Canary0Child' })
      })
      await close()
      const text = readFileSync(path, 'utf8')
      const known = redaction === undefined ? secrets.filter((secret) => /Path|Wildcard/.test(secret)) : []
      expect(leaks(text, [...secrets, 'Canary0Child'])).to.deep.equal(known)
      expect(text.trim().split('\n')).to.have.length(2)
    }
  })

  it('leave the event itself as it was', () => {
    const { said } = leaky()
    const before = JSON.stringify(said.fields?.['user'])
    redactEvent(captureEvent(undefined, said), compileRedaction())
    expect(JSON.stringify(said.fields?.['user'])).to.equal(before)
  })
})
