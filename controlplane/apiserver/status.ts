// Failures as metav1.Status: the only table from error code to HTTP status and reason, and the messages clients match on.

import { ConversionFailed } from '../api/crd/conversion-failed';
import type { KindRef } from '../api/kind';
import type { KubeObject, ListMeta, Status } from '../api/types';
import { maxCauses } from '../api/validation/causes';
import {
  AlreadyExists,
  AppError,
  Conflict,
  describeError,
  type ErrorCode,
  type FieldCause,
  Invalid,
  NotFound,
} from '../base/errors';
import { PatchRejected } from './patch/rejected';

interface StatusLine {
  readonly status: number;
  readonly reason: string;
}

/** Every error code of base/errors; the compiler keeps this table complete. */
export const statusTable: Readonly<Record<ErrorCode, StatusLine>> = {
  BadRequest: { status: 400, reason: 'BadRequest' },
  Unauthorized: { status: 401, reason: 'Unauthorized' },
  Forbidden: { status: 403, reason: 'Forbidden' },
  NotFound: { status: 404, reason: 'NotFound' },
  AlreadyExists: { status: 409, reason: 'AlreadyExists' },
  AlreadyClaimed: { status: 409, reason: 'Conflict' },
  Conflict: { status: 409, reason: 'Conflict' },
  Expired: { status: 410, reason: 'Expired' },
  Unsupported: { status: 415, reason: 'UnsupportedMediaType' },
  TooLarge: { status: 413, reason: 'RequestEntityTooLarge' },
  Invalid: { status: 422, reason: 'Invalid' },
  TooManyRequests: { status: 429, reason: 'TooManyRequests' },
  Internal: { status: 500, reason: 'InternalError' },
  CommandFailed: { status: 500, reason: 'InternalError' },
  Unavailable: { status: 503, reason: 'ServiceUnavailable' },
  Timeout: { status: 504, reason: 'Timeout' },
};

/** The code for the reason of an error; a reason without a code becomes BadRequest or Internal by its HTTP status. */
function codeOf(status: number, reason: string): ErrorCode {
  if (Object.hasOwn(statusTable, reason)) return reason as ErrorCode;
  const codes = Object.keys(statusTable) as ErrorCode[];
  return codes.find((code) => statusTable[code].reason === reason) ?? (status < 500 ? 'BadRequest' : 'Internal');
}

/** Failures whose status or message no class of base/errors has. The reason decides the code. */
export class StatusError extends AppError {
  constructor(
    readonly status: number,
    readonly reason: string,
    message: string,
    details: Record<string, unknown> = {},
    private readonly form: {
      readonly verbatim?: boolean;
      readonly metadata?: ListMeta;
      readonly emptyDetails?: boolean;
    } = {},
  ) {
    super(codeOf(status, reason), message, { details });
  }

  /** True for a message that another program wrote: it gets no prefix, whatever its reason is. */
  get verbatim(): boolean {
    return this.form.verbatim ?? false;
  }

  get metadata(): ListMeta {
    return this.form.metadata ?? {};
  }

  /** True when the Status has details without fields. */
  get emptyDetails(): boolean {
    return this.form.emptyDetails ?? false;
  }
}

/** An answer of upstream's router of built-in kinds: its Status always has details. */
const routerError = (status: number, reason: string, message: string) =>
  new StatusError(status, reason, message, {}, { emptyDetails: true });

export const methodNotAllowed = () =>
  routerError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
/** A verb that the resource of a CustomResourceDefinition does not have; '' for a method without a verb. */
export const methodNotSupported = (verb: string, kind: KindRef) =>
  new StatusError(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind "${qualifiedResource(kind)}"`,
    { group: kind.group, kind: kind.plural },
  );
/** No form of the answer has a media type that the client accepts. `offered`: all media types of the path. */
export const noRepresentation = (offered: readonly string[]) =>
  routerError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${offered.join(', ')}`);
/** Nothing is served at a path below a built-in group. */
export const resourceNotFound = () => routerError(404, 'NotFound', 'the server could not find the requested resource');
/** The types of a patch that a built-in resource does not take. */
export const unsupportedPatchType = () => routerError(415, 'UnsupportedMediaType', '415: Unsupported Media Type');
/**
 * Nothing is served at the path. The answer is plain text, as in kube-apiserver: clients build the Status themselves, with the
 * details that kubectl reads without a check.
 */
export class PathNotFound extends StatusError {
  constructor() {
    super(404, 'NotFound', 'the server could not find the requested resource');
  }
}
export const pathNotFound = () => new PathNotFound();
export const notAcceptable = (accepted: readonly string[]) =>
  new StatusError(406, 'NotAcceptable', `only the following media types are accepted: ${accepted.join(', ')}`);
export const unsupportedMediaType = (accepted: readonly string[]) =>
  new StatusError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
export const tooLarge = (limit: number) =>
  new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${limit}`);

/** `deployments.apps`, or `pods` in the core group. */
export const qualifiedResource = ({ plural, group }: KindRef): string => (group === '' ? plural : `${plural}.${group}`);

type ResourceDetails = { name?: string; group?: string; kind: string };
export const resourceDetails = ({ group, plural }: KindRef, name: string): ResourceDetails => ({
  ...(name === '' ? {} : { name }),
  ...(group === '' ? {} : { group }),
  kind: plural,
});

/** `cause`: the error of the store, for the log. */
export const notFound = (kind: KindRef, name: string, cause?: unknown) =>
  new NotFound(`${qualifiedResource(kind)} "${name}" not found`, { cause, details: resourceDetails(kind, name) });
/** @param found the object that has the name, if it is known */
export function alreadyExists(kind: KindRef, name: string, found?: KubeObject, cause?: unknown): AlreadyExists {
  const text = `${qualifiedResource(kind)} "${name}" already exists`;
  const message = found?.metadata?.deletionTimestamp ? `object is being deleted: ${text}` : text;
  return new AlreadyExists(message, { cause, details: resourceDetails(kind, name) });
}
export const conflict = (kind: KindRef, name: string, why: string, cause?: unknown) =>
  new Conflict(`Operation cannot be fulfilled on ${qualifiedResource(kind)} "${name}": ${why}`, {
    cause,
    details: resourceDetails(kind, name),
  });
const readAgain = 'the object has been modified; please apply your changes to the latest version and try again';
export const modified = (kind: KindRef, name: string, cause?: unknown) => conflict(kind, name, readAgain, cause);
export const forbidden = (kind: KindRef, name: string, why: string) =>
  new AppError('Forbidden', `${qualifiedResource(kind)}${name === '' ? '' : ` "${name}"`} is forbidden: ${why}`, {
    details: resourceDetails(kind, name),
  });

/** Characters of a name in a message. */
const maxShownName = 1_000;

/** The causes' messages follow apimachinery: `Invalid value: -1: must be ...`; the field is separate. */
export function invalid(kind: Pick<KindRef, 'group' | 'kind'>, name: string, found: readonly FieldCause[]): Invalid {
  const causes = found.slice(0, maxCauses);
  const texts = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  const list = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const subject = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const shown = name.slice(0, maxShownName);
  const details = {
    ...(shown === '' ? {} : { name: shown }),
    ...(kind.group === '' ? {} : { group: kind.group }),
    ...(kind.kind === '' ? {} : { kind: kind.kind }),
  };
  return new Invalid(`${subject} "${shown}" is invalid: ${list}`, causes, { details });
}

/** The Status body for any thrown value. */
export function toStatus(err: unknown): Status {
  const line = statusLine(err);
  const causes = err instanceof Invalid ? err.causes : [];
  const details = {
    ...(err instanceof AppError ? err.details : {}),
    ...(causes.length > 0 ? { causes: causes.map((cause) => ({ ...cause })) } : {}),
  };
  const plain = line.reason !== 'InternalError' || (err instanceof StatusError && err.verbatim);
  const message = plain ? messageOf(err) : `Internal error occurred: ${describeError(err)}`;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: err instanceof StatusError ? err.metadata : {},
    status: 'Failure',
    message,
    ...(line.reason === '' ? {} : { reason: line.reason }),
    ...(Object.keys(details).length > 0 || line.reason === 'Forbidden' || hasEmptyDetails(err)
      ? { details: details as NonNullable<Status['details']> }
      : {}),
    code: line.status,
  };
}

function statusLine(err: unknown): StatusLine {
  if (err instanceof StatusError) return err;
  if (err instanceof ConversionFailed) return { status: 500, reason: '' };
  return statusTable[err instanceof AppError ? err.code : 'Internal'];
}

const messageOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));

/** The answer to a completed deletion. */
export function deletedStatus(kind: KindRef, name: string, uid: string | undefined): Status {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { ...resourceDetails(kind, name), ...(uid ? { uid } : {}) },
  };
}

const hasEmptyDetails = (err: unknown): boolean =>
  err instanceof PatchRejected || (err instanceof StatusError && err.emptyDetails);
