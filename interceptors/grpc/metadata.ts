import type { Metadata } from '@grpc/grpc-js'
import type { Getter, Setter } from '../../lib/propagation'

/* What gRPC metadata can carry as text; anything else makes `Metadata.set` throw. */
const CARRIED = /^[ -~]*$/

/** Reads the text values of a metadata key; bytes (`-bin` keys) are read as missing. */
export const metadataGetter: Getter<Metadata> = {
  get(metadata, key) {
    const values = metadata.get(key).filter((value) => typeof value === 'string')
    return values.length <= 1 ? values[0] : values
  },
}

/**
 * Sets a metadata key, replacing all its values. HTTP headers allow tabs where metadata does not, so they become spaces; a value
 * that metadata cannot carry even so is left out.
 */
export const metadataSetter: Setter<Metadata> = {
  set(metadata, key, value) {
    const text = value.replaceAll('\t', ' ')
    if (CARRIED.test(text)) metadata.set(key, text)
  },
}
