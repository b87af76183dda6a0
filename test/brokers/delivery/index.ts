export type { DeliveredLine, Destination } from './destination'
export { deliveryRun, RUN_MS, RUN_TITLE } from './run'
