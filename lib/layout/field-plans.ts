import type { Redactor } from '../redaction'

/* Names that the event itself uses, with the type that it gives them (docs/reference/log-event.md). */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['time', 'number'],
  ['level', 'string'],
  ['logger', 'string'],
  ['msg', 'string'],
  ['service', 'string'],
  ['host', 'string'],
  ['pid', 'number'],
  ['thread', 'number'],
  ['instance', 'string'],
  ['traceId', 'string'],
  ['spanId', 'string'],
  ['hlc', 'string'],
  ['seq', 'number'],
  ['err', 'object'],
  ['task', 'string'],
  ['user', 'string'],
  ['caller', 'object'],
  ['rate', 'number'],
  ['replayed', 'boolean'],
])

/* Names that are on every line already, so that a field of any type would make the key occur twice. */
const ALWAYS_THERE: ReadonlySet<string> = new Set([
  ...['time', 'level', 'logger', 'msg', 'service', 'host', 'pid', 'thread', 'instance'],
  ...['traceId', 'spanId', 'hlc', 'seq'],
])

/* Keys come from code, so there are few; ids as keys must not fill the memory. */
const MAX_PLANS = 4096

/** What the JSON layout has to know of a field's name, found out once. */
export interface FieldPlan {
  /** `,"name":` */
  readonly named: string
  /** `","name":`, behind a text that is still open. */
  readonly closingNamed: string
  /** `,"name":"` */
  readonly text: string
  /** `","name":"` */
  readonly closingText: string
  /** `,"_name":` */
  readonly renamed: string
  /** The type of value for which the name is taken: `any`, a `typeof`, or empty if it is free. */
  readonly taken: string
  /** The name is free, and what is there is not secret. */
  readonly isFree: boolean
}

/** The plans of a layout. */
export function fieldPlans(redactor: Redactor): (key: string) => FieldPlan {
  const plans = new Map<string, FieldPlan>()
  return (key) => {
    const known = plans.get(key)
    if (known !== undefined) return known
    const plan = planOf(key, redactor)
    if (plans.size === MAX_PLANS) plans.clear()
    plans.set(key, plan)
    return plan
  }
}

function planOf(key: string, redactor: Redactor): FieldPlan {
  const { quoted } = redactor.plan(key)
  const taken = ALWAYS_THERE.has(key) ? 'any' : (RESERVED.get(key) ?? '')
  return {
    named: `,${quoted}`,
    closingNamed: `",${quoted}`,
    text: `,${quoted}"`,
    closingText: `",${quoted}"`,
    renamed: `,"_${quoted.slice(1)}`,
    taken,
    isFree: taken === '' && !redactor.isSecretField(key),
  }
}
