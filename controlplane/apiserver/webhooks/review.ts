// AdmissionReview: the request that a webhook gets, and the reading of its answer. Pure, except for the uid.
import { randomUUID } from 'node:crypto';
import { parseJson } from '../../api/json-text';
import type { Kind } from '../../api/kind';
import { describeError } from '../../base/errors';
import type { Json } from '../patch/json';
import { isRecord } from '../rest/decode';
import type { Write } from '../write/rule';
import { type AdmittedForm, admittedOperation, bodyKind, type GroupVersionKind, namespaceOf } from './admitted';
import type { WebhookStatus } from './errors';
import { requestOptions } from './request-options';

export type ReviewVersion = 'v1' | 'v1beta1';

export interface ReviewAnswer {
  readonly allowed: boolean;
  readonly status: WebhookStatus | undefined;
  readonly warnings: readonly string[];
  /** For the audit log, by keys without the webhook's name. */
  readonly auditAnnotations: readonly (readonly [key: string, value: string])[];
  /** The operations of a JSON patch. */
  readonly patch: Json | undefined;
}

/** The first version of the webhook's list that this server knows. */
export const reviewVersionOf = (versions: readonly string[]): ReviewVersion =>
  versions.find((version): version is ReviewVersion => version === 'v1' || version === 'v1beta1') ?? 'v1';

/** The texts of both objects, encoded once for all webhooks that see the same form. */
export interface FormText {
  readonly kind: GroupVersionKind;
  readonly object: string;
  readonly old: string;
}

export const formText = ({ kind, object, old }: AdmittedForm): FormText => ({
  kind,
  object: JSON.stringify(object ?? null),
  old: JSON.stringify(old ?? null),
});

export interface ReviewText {
  readonly uid: string;
  readonly body: string;
}

/** What a review says about the request, without the objects and the options. */
export type ReviewHead = ReturnType<typeof reviewHead>;

/** `seen` is the kind that the webhook's rule names, `shown` the kind of the object in the review. */
export function reviewHead(write: Write, seen: Kind, shown: GroupVersionKind) {
  const { kind, subresource, user } = write;
  const name = write.name || (write.object?.metadata?.name ?? '');
  const namespace = namespaceOf(write);
  const resourceOf = ({ group, version: of, plural }: Kind) => ({ group, version: of, resource: plural });
  return {
    kind: shown,
    resource: resourceOf(seen),
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: bodyKind(kind, subresource),
    requestResource: resourceOf(kind),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation: admittedOperation(write).toUpperCase(),
    userInfo: {
      username: user.name,
      ...(user.uid ? { uid: user.uid } : {}),
      groups: user.groups,
      ...(user.extra ? { extra: user.extra } : {}),
    },
  };
}

export function renderReview(write: Write, seen: Kind, form: FormText, version: ReviewVersion): ReviewText {
  const uid = randomUUID();
  const head = { uid, ...reviewHead(write, seen, form.kind) };
  const request =
    `${JSON.stringify(head).slice(0, -1)},"object":${form.object},"oldObject":${form.old},` +
    `"dryRun":${write.dryRun},"options":${JSON.stringify(requestOptions(write) ?? null)}}`;
  return { uid, body: `{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/${version}","request":${request}}` };
}

/** @throws Error with upstream's text for an answer that is none */
export function readReview(body: Buffer, uid: string, version: ReviewVersion, mutating: boolean): ReviewAnswer {
  const review = parseReview(body);
  const { response } = review;
  if (!isRecord(response)) throw invalid('webhook response was absent');
  if (version === 'v1') checkIdentity(review, response['uid'], uid);
  const patch = response['patch'] ?? '';
  const type = response['patchType'];
  if (typeof patch !== 'string') throw unreadable('patch');
  checkBase64(patch);
  const operations = mutating && patch !== '' ? readPatch(patch) : undefined;
  if (version === 'v1') checkPatchType(patch, type, mutating);
  return {
    allowed: response['allowed'] === true,
    status: readStatus(response['status']),
    warnings: readWarnings(response['warnings']),
    auditAnnotations: readAnnotations(response['auditAnnotations']),
    patch: operations,
  };
}

/** @throws Error as Go's decoder of base64 */
function checkBase64(text: string): void {
  const wrong = text.replace(/={0,2}$/, '').search(/[^A-Za-z0-9+/]/);
  if (wrong < 0) return;
  throw new Error(`failed to call webhook: illegal base64 data at input byte ${wrong}`);
}

const invalid = (why: string) => new Error(`received invalid webhook response: ${why}`);
const unreadable = (field: string) => new Error(`failed to call webhook: the field response.${field} has a wrong type`);

/** As Go prints the type into which upstream reads the head of an answer. */
const goType =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

function parseReview(body: Buffer): Record<string, unknown> {
  let review: unknown;
  try {
    review = parseJson(body);
  } catch (err) {
    // Upstream reads YAML as well, and most texts are one string in it.
    const text = body.toString('utf8', 0, 1);
    const why = /[{["]/.test(text)
      ? describeError(err)
      : `json: cannot unmarshal string into Go value of type ${goType}`;
    throw new Error(`failed to call webhook: couldn't get version/kind; json parse error: ${why}`);
  }
  if (!isRecord(review)) throw new Error("failed to call webhook: couldn't get version/kind; it is no JSON object");
  return review;
}

function checkIdentity({ apiVersion = '', kind = '' }: Record<string, unknown>, found: unknown, uid: string): void {
  if (apiVersion === 'admission.k8s.io/v1beta1' && kind === 'AdmissionReview') {
    throw new Error(
      'failed to call webhook: converting (v1beta1.AdmissionReview) to (v1.AdmissionReview): unknown conversion',
    );
  }
  const shown = JSON.stringify(found ?? '').slice(0, 100);
  if (found !== uid) throw invalid(`expected response.uid="${uid}", got ${shown}`);
  if (apiVersion === 'admission.k8s.io/v1' && kind === 'AdmissionReview') return;
  const [group, version] = String(apiVersion).includes('/') ? String(apiVersion).split('/', 2) : ['', apiVersion];
  const got = `${group}/${version}, Kind=${String(kind)}`.slice(0, 200);
  throw invalid(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${got}`);
}

function checkPatchType(patch: string, type: unknown, mutating: boolean): void {
  if (!mutating) {
    if (patch !== '') throw invalid('validating webhook may not return response.patch');
    if (type !== undefined && type !== null) throw invalid('validating webhook may not return response.patchType');
    return;
  }
  const absent = type === undefined || type === null;
  if (patch !== '' && absent) throw invalid('webhook returned response.patch but not response.patchType');
  if (patch === '' && !absent) throw invalid('webhook returned response.patchType but not response.patch');
  if (type === '') throw invalid('webhook returned invalid response.patchType of ""');
  if (!absent && type !== 'JSONPatch') throw new Error(`unsupported patch type ${JSON.stringify(type).slice(0, 100)}`);
}

function readStatus(value: unknown): WebhookStatus | undefined {
  if (!isRecord(value)) return undefined;
  const { code, reason, message, details } = value;
  return {
    ...(typeof code === 'number' ? { code } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof message === 'string' ? { message } : {}),
    ...(isRecord(details) ? { details } : {}),
  };
}

const readWarnings = (value: unknown): readonly string[] =>
  // As upstream: a text that no header can hold is dropped.
  Array.isArray(value) ? value.filter((text) => typeof text === 'string' && !/\p{Cc}/u.test(text)) : [];

const readAnnotations = (value: unknown) =>
  Object.entries(isRecord(value) ? value : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  );

function readPatch(text: string): Json | undefined {
  try {
    const patch = parseJson(Buffer.from(text, 'base64')) as Json;
    if (Array.isArray(patch)) return patch.length === 0 ? undefined : patch;
    throw new Error('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  } catch (err) {
    throw new Error(`received undecodable patch in webhook response: ${describeError(err)}`);
  }
}
