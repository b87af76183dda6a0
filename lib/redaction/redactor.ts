import { TracelaneError } from '../errors'
import { crypto } from '../internal/builtin'
import { checkOptions } from '../internal/options'
import { quote } from '../internal/quote'
import { type Redaction, type RedactionOptions, redactionRules } from './options'
import { childNode, compilePaths, type PathNode } from './paths'
import { isSecretByDefault, plainKey } from './secret-keys'
import { secretsIn } from './text-secrets'

/* Keys come from code, so there are few of them; those that come from data (ids as keys, words of texts) must not fill the memory. */
const MAX_KNOWN = 4096
const MAX_KNOWN_KEY = 128
const HASH_DIGITS = 16

/** What the writer of a line has to know of a key, found out once. */
export interface KeyPlan {
  /** The key as JSON, without the secrets in its text, with its colon. */
  readonly quoted: string
  readonly secret: boolean
}

/**
 * Says what is secret, and what is written in its place. Compiled once, by `compileRedaction`; the writers of lines ask it while they write, so
 * a secret is never in a line, not for a moment.
 */
export class Redactor {
  /** The paths, from the fields of the line on; undefined without paths. */
  readonly paths: PathNode | undefined
  /** Whether secrets are looked for inside texts. */
  readonly readsTexts: boolean
  /** Whether a secret is left out with its key. */
  readonly removes: boolean
  readonly #isSecret: (key: string) => boolean
  readonly #inPlaceOf: (secret: string) => string
  readonly #hashes: boolean
  readonly #plans = new Map<string, KeyPlan>()
  /* Apart from the keys, because there are more of them. */
  readonly #words = new Map<string, boolean>()

  constructor(isSecret: (key: string) => boolean, options: RedactionOptions) {
    const { paths = [], texts = true, mode = options.hashKey === undefined ? 'censor' : 'hash', censor = '[redacted]' } = options
    this.paths = compilePaths(paths)
    this.readsTexts = texts
    this.removes = mode === 'remove'
    this.#hashes = mode === 'hash'
    this.#isSecret = isSecret
    this.#inPlaceOf = mode === 'censor' ? () => censor : mode === 'remove' ? () => '' : hashWith(options.hashKey)
  }

  /** What is to be known of `key`. */
  plan(key: string): KeyPlan {
    return this.#plans.get(key) ?? this.#makePlan(key)
  }

  /** Whether the value of field `key` of a line is secret, by its name or its place. */
  isSecretField(key: string): boolean {
    return this.plan(key).secret || childNode(this.paths, key)?.secret === true
  }

  /** `text` with something else in the place of each secret in it. */
  text(text: string): string {
    if (!this.readsTexts) return text
    const spans = secretsIn(text, (word) => this.#words.get(word) ?? this.#judge(word))
    let clean = ''
    let end = 0
    for (const [from, to] of spans) {
      clean += text.slice(end, from) + this.#inPlaceOf(text.slice(from, to))
      end = to
    }
    return end === 0 ? text : clean + text.slice(end)
  }

  /** What is written in the place of a secret value, as JSON; `json` writes the value itself, and is asked for a hash only. */
  inPlaceOf(value: unknown, json: () => string): string {
    return quote(this.#inPlaceOf(!this.#hashes ? '' : typeof value === 'string' ? value : json()))
  }

  #makePlan(key: string): KeyPlan {
    return remember(this.#plans, key, { quoted: `${quote(this.text(key))}:`, secret: this.#isSecret(key) })
  }

  #judge(word: string): boolean {
    return remember(this.#words, word, this.#isSecret(word))
  }
}

function remember<T>(known: Map<string, T>, key: string, value: T): T {
  if (known.size === MAX_KNOWN) known.clear()
  if (key.length <= MAX_KNOWN_KEY) known.set(key, value)
  return value
}

/** A redactor that finds nothing. */
export const noRedaction: Redactor = new Redactor(() => false, { texts: false })

/** Compiles what `configure({ redaction })` was given. Throws ERR_TRACELANE_OPTION_*. */
export function compileRedaction(redaction: Redaction = true): Redactor {
  if (redaction === false) return noRedaction
  const options = redaction === true ? {} : redaction
  checkOptions('redaction', options, redactionRules)
  const { keys = [], except = [], defaults = true } = options
  const always = new Set(keys.map(plainKey))
  const never = new Set(except.map(plainKey))
  return new Redactor((key) => {
    const plain = plainKey(key)
    return always.has(plain) || (defaults && !never.has(plain) && isSecretByDefault(plain))
  }, options)
}

function hashWith(key: string | undefined): (secret: string) => string {
  if (key === undefined) {
    throw new TracelaneError(
      'ERR_TRACELANE_OPTION_INVALID',
      "redaction: mode 'hash' needs 'hashKey', so that nobody can try out secrets",
    )
  }
  return (secret) => `hmac:${crypto().createHmac('sha256', key).update(secret).digest('hex').slice(0, HASH_DIGITS)}`
}
