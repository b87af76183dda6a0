import { type Rule, rules } from '../internal/options'

/** What is secret, and what is written in its place. Plain data, so that it can stand in a JSON file. */
export interface RedactionOptions {
  /** Keys that are secret too, wherever they are: without regard to case and separators, and as a whole (`id` is not `userId`). */
  readonly keys?: readonly string[]
  /** Keys that are not secret, though the default list has them, as a whole: `nextPageToken`. */
  readonly except?: readonly string[]
  /**
   * Values that are secret, by where they are in the fields of a line: `user.card.number`, `items[*].secret`, `headers["x-key"]`. `*` stands for
   * each key and each item.
   */
  readonly paths?: readonly string[]
  /**
   * Whether the default list of keys is used.
   * @default true
   */
  readonly defaults?: boolean
  /**
   * Whether secrets are looked for inside texts too (messages, values, texts of errors): `password=x`, URL queries and user info, `Bearer x`.
   * @default true
   */
  readonly texts?: boolean
  /**
   * What becomes of a secret: `censor` writes `censor` in its place, `remove` leaves out the key (of a text: the secret), `hash` writes a keyed
   * hash, so that equal secrets can be told to be equal.
   * @default 'censor', or 'hash' if `hashKey` is given
   */
  readonly mode?: 'censor' | 'remove' | 'hash'
  /** @default '[redacted]' */
  readonly censor?: string
  /** The key of mode `hash`: at least 16 characters, not guessable. Lines of services with the same key can be compared. */
  readonly hashKey?: string
}

/** What `configure({ redaction })` takes: `false` turns it off, `true` is the default. */
export type Redaction = boolean | RedactionOptions

const texts: Rule = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '') ? undefined : 'a list of texts'

export const MIN_HASH_KEY = 16

export const redactionRules = {
  keys: texts,
  except: texts,
  paths: texts,
  defaults: rules.boolean,
  texts: rules.boolean,
  mode: rules.oneOf('censor', 'remove', 'hash'),
  censor: rules.string,
  hashKey: ((value) =>
    typeof value === 'string' && value.length >= MIN_HASH_KEY
      ? undefined
      : `a text of at least ${MIN_HASH_KEY} characters`) as Rule,
} as const
