export { AsyncAppender } from './async-appender'
export type { FlushResult } from './batch'
export { type Drainable, guardExit, guardWithheld } from './exit-guard'
export { type AsyncAppenderOptions, appenderRules } from './options'
