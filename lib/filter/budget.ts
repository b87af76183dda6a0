import { LEVELS, type Level, type LogEvent, SEVERITY } from '../event'
import { checkOptions, type Rule, rules } from '../internal/options'
import { perSecondRule } from './burst'
import { byName } from './by-name'
import type { Say } from './filter'
import { TokenBucket } from './token-bucket'

/** How much each logger may write. */
export interface BudgetOptions {
  /** Events a second for each logger name, in the long run, above 0. A logger that says more takes nothing from the others. */
  readonly perSecond: number
  /**
   * How many a logger may write at once, from 1.
   * @default what it may write in one second
   */
  readonly burst?: number
  /**
   * Events above this level are always written and use nothing up.
   * @default 'info'
   */
  readonly level?: Level
  /** Other numbers a second for loggers by name; a name passes its number on to those below it, each of which may write so much. */
  readonly loggers?: Readonly<Record<string, number>>
}

const numbers: Rule = (value) =>
  typeof value === 'object' && value !== null && Object.values(value).every((one) => perSecondRule(one) === undefined)
    ? undefined
    : 'an object of events a second by logger name'

/** Checks the budget that was given to `owner`; throws ERR_TRACELANE_OPTION_* with the cure. */
export function checkBudget(owner: string, value: unknown): asserts value is BudgetOptions {
  const known = { perSecond: perSecondRule, burst: rules.integer(1, 1e9), level: rules.oneOf(...LEVELS), loggers: numbers }
  checkOptions(owner, value, known, ['perSecond'])
}

interface Account {
  readonly bucket: TokenBucket
  readonly perSecond: number
  over: number
  /** Whether its logger has said anything since it was last passed over. */
  used: boolean
}

/* Loggers are few, but other loggers may take their names from data. */
const MAX_ACCOUNTS = 4096

/** The logger of the lines that tell what was over a budget. */
export const BUDGET_LOGGER = 'tracelane.budget'

/**
 * A number of events a second for each logger. What is over it is left out and counted, and told in one line when the logger may write
 * again, at a flush and at the end. Of more loggers than a few thousand, one that has said nothing for long makes room, and begins anew.
 */
export class Budget {
  readonly #highest: number
  readonly #burst: number | undefined
  readonly #perSecondOf: (logger: string) => number
  /* In the order in which they are looked at to make room. */
  readonly #accounts = new Map<string, Account>()

  constructor({ perSecond, burst, level = 'info', loggers = {} }: BudgetOptions) {
    this.#highest = SEVERITY[level]
    this.#burst = burst
    this.#perSecondOf = byName(loggers, perSecond)
  }

  /** Whether `event` is within the budget of its logger, which is then that much smaller. */
  allows({ level, logger, time }: LogEvent, say: Say): boolean {
    if (SEVERITY[level] > this.#highest) return true
    const account = this.#accounts.get(logger) ?? this.#open(logger, say)
    account.used = true
    if (!account.bucket.take(time)) {
      account.over++
      return false
    }
    if (account.over > 0) tell(logger, account, say)
    return true
  }

  /** Tells what was left out and not told yet. */
  settle(say: Say): void {
    for (const [logger, account] of this.#accounts) if (account.over > 0) tell(logger, account, say)
  }

  #open(logger: string, say: Say): Account {
    if (this.#accounts.size >= MAX_ACCOUNTS) this.#makeRoom(say)
    const perSecond = this.#perSecondOf(logger)
    const bucket = new TokenBucket(perSecond, this.#burst ?? Math.max(1, Math.round(perSecond)))
    const account = { bucket, perSecond, over: 0, used: true }
    this.#accounts.set(logger, account)
    return account
  }

  /* The second chance, which is cheaper than to keep the order of use: each that was used goes to the end once. */
  #makeRoom(say: Say): void {
    for (const [logger, account] of this.#accounts) {
      this.#accounts.delete(logger)
      if (!account.used) {
        if (account.over > 0) tell(logger, account, say)
        return
      }
      account.used = false
      this.#accounts.set(logger, account)
    }
  }
}

function tell(logger: string, account: Account, say: Say): void {
  const { over, perSecond } = account
  account.over = 0
  const msg = `${over} events of ${logger} were left out: more than its budget of ${perSecond} a second`
  say({ level: 'warn', logger: BUDGET_LOGGER, msg, fields: { overBudget: over, of: logger } })
}
