export { TracelaneContextManager } from './context-manager'
export { useOpenTelemetryIds } from './ids'
