// From a Status body or a bare HTTP status to the error classes of base/errors, one per reaction of the caller.
import type { Status } from '../api/types';
import {
  AlreadyExists,
  AppError,
  BadRequest,
  Conflict,
  Expired,
  type FieldCause,
  Invalid,
  NotFound,
  Unavailable,
  Unsupported,
} from '../base/errors';

/** The error for an answer with HTTP status `code`; 429 and every 5xx are Unavailable, that is: worth retrying. */
export function errorFromStatus(code: number, status: Partial<Status>): AppError {
  const message = status.message ?? `the server answered with HTTP status ${code}`;
  const options = { details: { httpStatus: code, reason: status.reason, status } };
  switch (code) {
    case 400:
      return new BadRequest(message, options);
    case 401:
      return new AppError('Unauthorized', message, options);
    case 403:
      return new AppError('Forbidden', message, options);
    case 404:
      return new NotFound(message, options);
    case 409:
      return status.reason === 'AlreadyExists' ? new AlreadyExists(message, options) : new Conflict(message, options);
    case 410:
      return new Expired(message, options);
    case 422:
      return new Invalid(message, (status.details?.causes ?? []) as FieldCause[], options);
    case 405:
    case 406:
    case 415:
      return new Unsupported(message, options);
    default:
      if (code === 429 || code >= 500) return new Unavailable(message, options);
      return new AppError('Internal', message, options);
  }
}

/** The error for the body of a failed request; a body that is not a Status (a proxy's page) becomes its message. */
export function errorFromBody(code: number, body: string): AppError {
  try {
    const status = JSON.parse(body) as Partial<Status>;
    if (status !== null && typeof status === 'object') return errorFromStatus(code, status);
  } catch {
    // Not JSON: the text itself is the best message there is.
  }
  return errorFromStatus(code, body.trim() === '' ? {} : { message: body.trim().slice(0, 1000) });
}
