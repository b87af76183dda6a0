export { close, configure, flush } from './configure'
export { dispatch } from './dispatch'
export { getLogger, Logger } from './logger'
export type { AppenderOptions, LoggerOptions, LoggingOptions } from './options'
