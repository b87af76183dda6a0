export { type CapturedEvents, captureEvents } from './capture-events'
export { type ContextCheck, type ContextSurvivalOptions, expectContextSurvives } from './context-survival'
