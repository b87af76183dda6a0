export { type AttachedContext, TracelaneContextManager } from './context-manager'
export { useOpenTelemetryIds } from './ids'
