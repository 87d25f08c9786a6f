// Errors of gRPC calls.
import { AppError, type ErrorCode } from '../base/errors';

/** Names of Go's gRPC library, which users know from messages of Kubernetes. By number. */
const statusNames = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;
export type RpcStatus = (typeof statusNames)[number];

const errorCodes: Partial<Record<RpcStatus, ErrorCode>> = {
  DeadlineExceeded: 'Timeout',
  Unavailable: 'Unavailable',
  NotFound: 'NotFound',
};

/** What the service answered, or why it could not. The message is that of Go's library. */
export class RpcError extends AppError {
  readonly status: RpcStatus;
  constructor(
    code: number,
    /** The text of the service, without the status. */
    readonly reason: string,
  ) {
    const status = statusNames[code] ?? 'Unknown';
    super(errorCodes[status] ?? 'Internal', `rpc error: code = ${status} desc = ${reason}`);
    this.status = status;
  }
}
