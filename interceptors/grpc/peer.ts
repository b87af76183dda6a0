import { complain } from '../../lib/diagnostics'
import { TracelaneError } from '../../lib/errors'
import { loadPeer } from '../../lib/internal/peer'

/** What `require('@grpc/grpc-js')` gives. */
export type GrpcModule = typeof import('@grpc/grpc-js')

/** Loads @grpc/grpc-js from the application; throws ERR_TRACELANE_PEER_MISSING or ERR_TRACELANE_PEER_TOO_OLD. */
export function loadGrpc(): GrpcModule {
  return requireInterceptors(loadPeer('@grpc/grpc-js', () => require('@grpc/grpc-js') as GrpcModule))
}

/** `grpc`, if it has server interceptors (1.10 and later); else throws ERR_TRACELANE_PEER_TOO_OLD. */
export function requireInterceptors(grpc: GrpcModule): GrpcModule {
  if (typeof grpc.ServerInterceptingCall === 'function' && typeof grpc.InterceptingCall === 'function') return grpc
  throw new TracelaneError(
    'ERR_TRACELANE_PEER_TOO_OLD',
    'the gRPC interceptors need @grpc/grpc-js 1.10 or later; update it with: npm install @grpc/grpc-js@latest',
  )
}

/** What `action` returns; if it throws, `otherwise`, and a complaint: a call is never worse off for being traced. */
export function quietly<T>(otherwise: T, action: () => T): T {
  try {
    return action()
  } catch (error) {
    complain('grpc', `a gRPC call could not be traced: ${error instanceof Error ? error.message : typeof error}`)
    return otherwise
  }
}
