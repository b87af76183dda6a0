export { close, configure, flush, type LoggingOptions } from './configure'
export { getLogger, Logger } from './logger'
