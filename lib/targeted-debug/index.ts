export { LEVEL_HEADER, levelValue, receiveLevel, withoutUnsigned } from './level-header'
export { checkTargetedDebug, configureTargetedDebug, type TargetedDebugOptions, targetedDebug } from './policy'
export { type SignLevelOptions, secretOfEnvironment, signLevel } from './token'
