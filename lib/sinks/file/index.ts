export { type FileSinkOptions, type FileSinkSpec, fileSink } from './options'
export { askToReopen } from './shared-state'
export { type FileToOpen, openFileSink } from './sink'
