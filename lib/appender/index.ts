export { AsyncAppender } from './async-appender'
export type { FlushResult } from './batch'
export { type AsyncAppenderOptions, appenderRules } from './options'
