import { counters } from '../diagnostics'
import { reasonOf } from '../event'
import { processWide } from '../internal/runtime'

/** Gives what shall be written in the place of a field's value; undefined leaves the field out. */
export type Serializer = (value: unknown) => unknown

/** Serializers by the name of the field. */
export type Serializers = Readonly<Record<string, Serializer>>

/** Those of `configure`; undefined without any, so that events cost nothing more. */
export const serializers: { active: readonly (readonly [string, Serializer])[] | undefined } = processWide(
  'logger.serializers.1',
  () => ({ active: undefined }),
)

/** Takes `given` in the place of the serializers of before. */
export function takeSerializers(given: Serializers = {}): void {
  const entries = Object.entries(given)
  serializers.active = entries.length === 0 ? undefined : entries
}

/** `fields` with what the serializers make of them; a copy, if any of them has something to do. */
export function serializeFields<T extends Readonly<Record<string, unknown>> | undefined>(fields: T): T {
  if (fields === undefined || serializers.active === undefined) return fields
  let copy: Record<string, unknown> | undefined
  for (const [name, serializer] of serializers.active) {
    if (!Object.hasOwn(fields, name) || fields[name] === undefined) continue
    copy ??= { ...fields }
    copy[name] = serialized(serializer, fields[name])
  }
  return (copy as T | undefined) ?? fields
}

/** What the serializer of the field `err` makes of the error of a call. */
export function serializeError(err: unknown): unknown {
  const serializer = err === undefined ? undefined : serializers.active?.find(([name]) => name === 'err')?.[1]
  return serializer === undefined ? err : serialized(serializer, err)
}

function serialized(serializer: Serializer, value: unknown): unknown {
  try {
    return serializer(value)
  } catch (error) {
    counters.userCallbackErrors++
    return `[serializer threw: ${reasonOf(error)}]`
  }
}
