export { jsonLayout } from './json-layout'
export type { Layout, Origin } from './layout'
export { prettyLayout } from './pretty-layout'
export { redactingLayout } from './redacting-layout'
