import { isDeepStrictEqual } from 'node:util'
import { processWide } from '../internal/runtime'
import { type Outlet, VolumeControl } from './volume-control'
import type { VolumeOptions } from './volume-options'

interface Volume {
  /** Undefined: everything is written. */
  control: VolumeControl | undefined
  options: VolumeOptions
}

/** What decides how much all loggers of the process write. */
export const volume: Volume = processWide<Volume>('logger.volume.1', () => ({ control: undefined, options: {} }))

/** Ends what there is, unless it is what `next` asks for: what it held back is told through the appenders that there are. */
export function endVolume(next: VolumeOptions = {}): void {
  if (isDeepStrictEqual(volume.options, next)) return
  volume.control?.close()
  volume.control = undefined
  volume.options = {}
}

/** Begins with `options`, which were checked, after `endVolume(options)`. */
export function beginVolume(options: VolumeOptions, outlet: Outlet): void {
  if (volume.control !== undefined) return
  volume.options = options
  if (VolumeControl.isNeeded(options)) volume.control = new VolumeControl(options, outlet)
}
