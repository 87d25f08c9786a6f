// Translates the errors of dockerode to those of the kubelet.
import {
  AlreadyExists,
  AppError,
  BadRequest,
  Conflict,
  NotFound,
  Unavailable,
} from '../../../controlplane/base/errors';

interface DockerFailure extends Error {
  readonly statusCode?: number;
  readonly code?: string;
  readonly json?: { readonly message?: string } | Buffer | null;
}

/** Docker's own sentence, without dockerode's "(HTTP code 404) no such container - " around it. */
function messageOf(err: DockerFailure): string {
  const said = err.json && !Buffer.isBuffer(err.json) ? err.json.message : undefined;
  return (said ?? err.message.replace(/^\(HTTP code \d+\) [^-]* - /, '')).trim();
}

/** Turns an error of dockerode into an AppError; `doing` names what was attempted. */
export function translateDockerError(cause: unknown, doing: string): AppError {
  if (cause instanceof AppError) return cause;
  const err = cause as DockerFailure;
  const message = messageOf(err);
  const options = { cause, details: { doing } };
  switch (err.statusCode) {
    case 404:
      return new NotFound(message, options);
    case 409:
      return /already in use/.test(message) ? new AlreadyExists(message, options) : new Conflict(message, options);
    case 400:
      return new BadRequest(message, options);
    case undefined:
      return new Unavailable(`${doing}: docker does not answer: ${message}`, options);
    default:
      return startFailure.test(message) ? new BadRequest(message, options) : new AppError('Internal', message, options);
  }
}

/** Messages of the OCI runtime for a command, mount or setting that cannot work: an immediate retry would fail too. */
const startFailure = /OCI runtime|failed to create shim|executable file not found|no such file or directory|invalid/i;
