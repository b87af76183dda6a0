import type { Metadata } from '@grpc/grpc-js'
import type { Getter, Setter } from '../../lib/propagation'

/** Reads the text values of a metadata key; bytes (`-bin` keys) are read as missing. */
export const metadataGetter: Getter<Metadata> = {
  get(metadata, key) {
    const all = metadata.get(key)
    const [first] = all
    // Most keys are not there, and most of those that are have one value.
    if (all.length <= 1) return typeof first === 'string' ? first : undefined
    const values = all.filter((value) => typeof value === 'string')
    return values.length <= 1 ? values[0] : values
  },
}

/**
 * Sets a metadata key, replacing all its values. HTTP headers allow tabs where metadata does not, so they become spaces; a value
 * that metadata cannot carry even so is left out.
 */
export const metadataSetter: Setter<Metadata> = {
  set(metadata, key, value) {
    try {
      metadata.set(key, value.includes('\t') ? value.replaceAll('\t', ' ') : value)
    } catch {
      // Anything but printable ASCII makes it throw
    }
  },
}
