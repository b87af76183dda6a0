/* By a symbol of all copies of the kit. */
const TRACED: unique symbol = Symbol.for('tracelane.grpc.traced')

/* A call of an interceptor has the one that is nearer to the wire as `nextCall`, which grpc-js calls private. */
interface Layer {
  [TRACED]?: true
  readonly nextCall?: Layer
}

/** Says that `call` is traced from now on; false if it, or one that is nearer to the wire, is already: an interceptor that is given twice. */
export function markTraced(call: object): boolean {
  for (let layer: Layer | undefined = call; layer !== undefined; layer = layer.nextCall) if (layer[TRACED] === true) return false
  ;(call as Layer)[TRACED] = true
  return true
}
