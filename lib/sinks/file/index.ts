export { type FileSinkOptions, type FileSinkSpec, fileSink } from './options'
export { openFileSink } from './sink'
