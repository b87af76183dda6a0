import { TracelaneError } from '../../errors'
import { checkOptions, type Rule, rules } from '../../internal/options'
import { addressListRule } from '../address-list'
import { checkTls, type HttpTlsOptions, tlsRule } from '../http/tls'
import { findClient } from './client'

/** Who this is, to brokers that ask. */
export interface KafkaSaslOptions {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'
  /** For PLAIN and SCRAM. */
  readonly username?: string
  /** For PLAIN and SCRAM. Never shown. */
  readonly password?: string
  /** For OAUTHBEARER. Never shown. */
  readonly token?: string
}

/** How brokers are reached, by `kafkaSink` and by `kafkaConsumer`. */
export interface KafkaConnectionOptions {
  /** Some of the brokers, as `host:port`; the others are learned from them. */
  readonly brokers: readonly string[]
  /**
   * How this program is called in the logs and quotas of the brokers.
   * @default 'tracelane'
   */
  readonly clientId?: string
  /**
   * How long a connection may take, in milliseconds from 1 to 600,000.
   * @default 5000
   */
  readonly connectTimeoutMs?: number
  /**
   * What TLS needs beside Node's own certificates, as PEM texts; `{}` for TLS without more, false for none.
   * @default false
   */
  readonly tls?: HttpTlsOptions | false
  /** Who this is, to brokers that ask. */
  readonly sasl?: KafkaSaslOptions
  /** The file of the client package, if it is not found from the application. */
  readonly clientPath?: string
}

/** Connection options with all that has a default. */
export type KafkaConnection = Required<Omit<KafkaConnectionOptions, 'sasl'>> & Pick<KafkaConnectionOptions, 'sasl'>

const SASL_RULES: Readonly<Record<keyof KafkaSaslOptions, Rule>> = {
  mechanism: rules.oneOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'),
  username: rules.string,
  password: rules.string,
  token: rules.string,
}

/** What connection options must look like at first sight. */
export const connectionRules: Readonly<Record<keyof KafkaConnectionOptions, Rule>> = {
  brokers: addressListRule('kafka-1.example:9092'),
  clientId: (value) => (typeof value === 'string' && /^[\w.-]+$/.test(value) ? undefined : 'letters, digits, dots and dashes'),
  connectTimeoutMs: rules.integer(1, 600_000),
  tls: (value) => (value === false ? undefined : tlsRule(value)),
  sasl: (value) => (typeof value === 'object' && value !== null ? undefined : 'an object with a mechanism'),
  clientPath: rules.string,
}

/** A frozen copy with defaults, of options that passed `connectionRules`; throws ERR_TRACELANE_OPTION_* and ERR_TRACELANE_PEER_MISSING. */
export function checkConnection(owner: string, given: KafkaConnectionOptions): KafkaConnection {
  const { brokers, clientId = 'tracelane', connectTimeoutMs = 5_000, tls = false, sasl } = given
  if (sasl !== undefined) checkSasl(owner, sasl)
  return {
    brokers: Object.freeze([...brokers]),
    ...{ clientId, connectTimeoutMs },
    tls: tls === false ? false : checkTls(owner, tls),
    ...(sasl === undefined ? {} : { sasl: Object.freeze({ ...sasl }) }),
    clientPath: given.clientPath ?? findClient(),
  }
}

function checkSasl(owner: string, sasl: KafkaSaslOptions): void {
  checkOptions(`${owner}: sasl`, sasl, SASL_RULES, ['mechanism'])
  const needed = sasl.mechanism === 'OAUTHBEARER' ? (['token'] as const) : (['username', 'password'] as const)
  for (const name of needed) {
    if (sasl[name] !== undefined) continue
    throw new TracelaneError('ERR_TRACELANE_OPTION_INVALID', `${owner}: sasl with ${sasl.mechanism} needs '${name}'`)
  }
}

/** The options of the client for `connection`; `turn` counts clients, so that each begins with another broker. */
export function clientOptions(connection: KafkaConnection, turn: number): object {
  const { brokers, clientId, connectTimeoutMs, tls, sasl } = connection
  const first = turn % brokers.length
  return {
    clientId,
    bootstrapBrokers: [...brokers.slice(first), ...brokers.slice(0, first)],
    connectTimeout: connectTimeoutMs,
    ...(tls === false ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}
