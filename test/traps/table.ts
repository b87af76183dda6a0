import { postgres, redis } from './databases'
import { events } from './events'
import { clients, http } from './http'
import { libraries } from './libraries'
import { threads } from './threads'
import { functions, timing } from './timing'
import type { TrapGroup } from './trap'

/** Every trap that is measured, in the order of the page. */
export const GROUPS: readonly TrapGroup[] = [events, libraries, postgres, redis, http, clients, timing, functions, threads]
