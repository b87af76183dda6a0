import { TracelaneError } from '../../errors'

/** The error of a decorator that was described wrongly; `detail` has the cure. */
export function wrong(detail: string): TracelaneError {
  return new TracelaneError('ERR_TRACELANE_OPTION_INVALID', detail)
}
