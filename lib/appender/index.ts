export { AsyncAppender } from './async-appender'
export { type Drainable, guardExit, guardWithheld } from './exit-guard'
export { type AppenderLedger, prometheusText, type SinkLedger } from './ledger'
export type { AppenderListeners, FlushResult, FullCause, QueueFull } from './listeners'
export type { LossCounts, LossReason } from './losses'
export {
  type AsyncAppenderOptions,
  appenderRules,
  checkForSinks,
  type Durability,
  type Overflow,
  resolveAppenderOptions,
} from './options'
export type { SpoolOptions } from './spool-options'
