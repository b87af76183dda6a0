export { type Redaction, type RedactionOptions, redactionRules } from './options'
export { childNode, type PathNode } from './paths'
export { compileRedaction, type KeyPlan, noRedaction, Redactor } from './redactor'
