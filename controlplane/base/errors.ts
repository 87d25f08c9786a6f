// The error classes of the whole project, one per reaction of the caller. Adapters translate foreign errors
// (Docker status codes, SQLite constraints, errno, stderr) into these at the border; everyone else asks isX(e).
// The apiserver alone turns them into HTTP status codes and Status reasons.

export type ErrorCode =
  | 'NotFound'
  | 'AlreadyExists'
  | 'AlreadyClaimed'
  | 'Conflict'
  | 'Invalid'
  | 'BadRequest'
  | 'TooLarge'
  | 'Forbidden'
  | 'Unauthorized'
  | 'Expired'
  | 'Unavailable'
  | 'Unsupported'
  | 'TooManyRequests'
  | 'CommandFailed'
  | 'Timeout'
  | 'Internal';

/** One field that is wrong: `field` is a JSON path as kube-apiserver prints it, e.g. spec.ports[0].port. */
export interface FieldCause {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueDuplicate'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported'
    | 'FieldValueNotFound'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
  readonly field: string;
  readonly message: string;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = code;
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** The requested object, container, link or rule does not exist. */
export class NotFound extends AppError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('NotFound', message, options);
  }
}

/** Something with this name exists already. */
export class AlreadyExists extends AppError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('AlreadyExists', message, options);
  }
}

/** Another object holds a name or number that only one object can hold: an address, a port. */
export class AlreadyClaimed extends AppError {
  constructor(
    readonly claim: string,
    /** The store key of the holder. */
    readonly owner: string,
  ) {
    super('AlreadyClaimed', `${claim} is held by ${owner}`);
  }
}

/** The input is larger than the limit, whatever its content is. */
export class TooLarge extends AppError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('TooLarge', message, options);
  }
}

/** The expected revision or precondition is no longer true: read again and retry. */
export class Conflict extends AppError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('Conflict', message, options);
  }
}

/** Well-formed input with wrong field values; `causes` names each field. */
export class Invalid extends AppError {
  readonly causes: readonly FieldCause[];
  constructor(
    message: string,
    causes: readonly FieldCause[] = [],
    options: { cause?: unknown; details?: Record<string, unknown> } = {},
  ) {
    super('Invalid', message, options);
    this.causes = causes;
  }
}

/** Input that cannot be read at all: broken JSON, an unknown parameter value, a wrong content type. */
export class BadRequest extends AppError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('BadRequest', message, options);
  }
}

/** The requested revision was removed by a compaction: list again. */
export class Expired extends AppError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('Expired', message, options);
  }
}

/** The other side cannot be reached or cannot answer now: retry with back-off. */
export class Unavailable extends AppError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('Unavailable', message, options);
  }
}

/** The store takes no writes or does not answer. It has logged why when that began, so a single request that meets it is not logged. */
export class StoreUnavailable extends Unavailable {}

/** This kernel, Docker or client version cannot do the operation; a retry does not help. */
export class Unsupported extends AppError {
  constructor(message: string, options: { cause?: unknown; details?: Record<string, unknown> } = {}) {
    super('Unsupported', message, options);
  }
}

/** A process ended with a non-zero exit status. */
export class CommandFailed extends AppError {
  readonly argv: readonly string[];
  readonly exitCode: number | null;
  readonly stderr: string;
  constructor(argv: readonly string[], exitCode: number | null, stderr: string, options: { cause?: unknown } = {}) {
    const first = stderr.trim().split('\n')[0] ?? '';
    super('CommandFailed', `${argv.join(' ')}: exit ${exitCode ?? 'by signal'}: ${first}`, options);
    this.argv = argv;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export const hasCode = (e: unknown, code: ErrorCode): e is AppError => e instanceof AppError && e.code === code;
export const isNotFound = (e: unknown): e is AppError => hasCode(e, 'NotFound');
export const isAlreadyExists = (e: unknown): e is AppError => hasCode(e, 'AlreadyExists');
export const isAlreadyClaimed = (e: unknown): e is AlreadyClaimed => e instanceof AlreadyClaimed;
export const isConflict = (e: unknown): e is AppError => hasCode(e, 'Conflict');
export const isExpired = (e: unknown): e is AppError => hasCode(e, 'Expired');
export const isUnavailable = (e: unknown): e is AppError => hasCode(e, 'Unavailable');
export const isTooLarge = (e: unknown): e is AppError => hasCode(e, 'TooLarge');
export const isInvalid = (e: unknown): e is Invalid => e instanceof Invalid;

/** The message of anything thrown, with its chain of causes, for one log line. */
export function describeError(e: unknown): string {
  if (!(e instanceof Error)) return String(e);
  if (e.cause === undefined) return e.message;
  // Docker's texts end in blanks.
  const cause = describeError(e.cause).trim();
  // Adapters often build their message from the cause's message; print the text once.
  const said = e.message.includes(cause) || (e.message !== '' && cause.endsWith(` ${e.message}`));
  return said ? e.message : `${e.message}: ${cause}`;
}
