export { type RollingFileSinkOptions, type RollingFileSinkSpec, rollingFileSink } from './options'
export { openRollingFileSink } from './sink'
