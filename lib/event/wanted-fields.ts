import type { Rule } from '../internal/options'
import { LEVELS, type Level } from './level'

/** A value that a field can be compared with. */
export type FieldValue = string | number | boolean | null

/** Fields by name, each with the value that it must have, or a list of values of which it must have one. */
export type WantedFields = Readonly<Record<string, FieldValue | readonly FieldValue[]>>

const isValue = (value: unknown): boolean => value === null || ['string', 'number', 'boolean'].includes(typeof value)

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

/** What `WantedFields` must look like; one field at least. */
export const wantedFieldsRule: Rule = (value) =>
  isObject(value) && Object.keys(value).length > 0 && Object.values(value).every((one) => [one].flat().every(isValue))
    ? undefined
    : 'an object of texts, numbers, booleans and nulls, or lists of them, by field'

/** What a list of levels must look like; one level at least. */
export const levelsRule: Rule = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((one) => LEVELS.includes(one as Level))
    ? undefined
    : `a list of levels: ${LEVELS.join(', ')}`

/** The value to which a name with dots leads inside `fields`, through own properties only; undefined if it leads nowhere. Throws what a getter throws. */
export function valueInside(fields: object, name: string): unknown {
  let value: unknown = fields
  for (const key of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
