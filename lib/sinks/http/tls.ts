import { TracelaneError } from '../../errors'
import { tls } from '../../internal/builtin'
import { checkOptions, type Rule, rules } from '../../internal/options'

/** What an HTTPS connection needs beside Node's own certificates. Texts are PEM; what `readFileSync` returns is taken as well. */
export interface HttpTlsOptions {
  /** Certificates of authorities to trust, in the place of Node's own. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** The certificate that this client shows, with its key. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  /** What `key` is encrypted with. */
  readonly passphrase?: string
  /** The name that the server's certificate must have, if it is not the host of the URL. */
  readonly servername?: string
  /**
   * False takes any certificate, so that whoever is on the way can read and change the lines: for trials only.
   * @default true
   */
  readonly rejectUnauthorized?: boolean
}

const pem: Rule = (value) =>
  (typeof value === 'string' && value !== '') || value instanceof Uint8Array ? undefined : 'a PEM text, or the bytes of one'

const RULES: Readonly<Record<keyof HttpTlsOptions, Rule>> = {
  ca: (value) => (Array.isArray(value) ? value : [value]).map(pem).find((wrong) => wrong !== undefined),
  cert: pem,
  key: pem,
  passphrase: rules.string,
  servername: rules.string,
  rejectUnauthorized: rules.boolean,
}

/** What the option `tls` must look like at first sight. */
export const tlsRule: Rule = (value) => (typeof value === 'object' && value !== null ? undefined : 'an object of TLS options')

/** A frozen copy in which all is text. Throws ERR_TRACELANE_OPTION_* for what OpenSSL will not take, without showing any of it. */
export function checkTls(owner: string, given: HttpTlsOptions): HttpTlsOptions {
  checkOptions(`${owner}: tls`, given, RULES)
  const { ca, cert, key, ...others } = given
  const texts: HttpTlsOptions = Object.freeze({
    ...others,
    ...(ca === undefined ? {} : { ca: Object.freeze([ca].flat().map(textOf)) }),
    ...(cert === undefined ? {} : { cert: textOf(cert) }),
    ...(key === undefined ? {} : { key: textOf(key) }),
  })
  if (Object.keys(texts).length > 0) tryOut(owner, texts)
  return texts
}

function tryOut(owner: string, { ca, cert, key, passphrase }: HttpTlsOptions): void {
  try {
    tls().createSecureContext({ ca: ca as string[], cert: cert as string, key: key as string, passphrase })
  } catch (error) {
    const { code = 'no reason given' } = error as NodeJS.ErrnoException
    throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `${owner}: 'tls' cannot be used (${code})`)
  }
}

function textOf(pem: string | Uint8Array): string {
  return typeof pem === 'string' ? pem : Buffer.from(pem).toString()
}
