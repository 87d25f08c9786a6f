// ConversionReview: the request that a conversion webhook gets, and the reading of its answer, with upstream's rules and messages
// (apiextensions.k8s.io/v1 and v1beta1). Pure.
import { parseJson } from '../../../api/json-text';
import type { Kind } from '../../../api/kind';
import type { KubeObject, ObjectMeta } from '../../../api/types';
import { validateAnnotations, validateLabels } from '../../../api/validation/metadata';
import { describeError, type FieldCause } from '../../../base/errors';
import { isRecord } from '../../rest/decode';

export type ReviewVersion = 'v1' | 'v1beta1';
export type Target = Pick<Kind, 'group' | 'apiVersion'>;

/** Upstream's values of the label failure_type of its metrics. */
export type FailureType =
  | 'conversion_webhook_call_failure'
  | 'conversion_webhook_malformed_response_failure'
  | 'conversion_webhook_partial_response_failure'
  | 'conversion_webhook_invalid_converted_object_failure';

/** An answer that is not used. The message goes on after `conversion webhook for GROUP/VERSION, Kind=KIND `, unless it is the whole one. */
export class AnswerRefused extends Error {
  constructor(
    readonly type: FailureType,
    message: string,
    readonly isWhole = false,
  ) {
    super(message);
  }
}

/** The first version of the definition's list that this server knows. */
export const reviewVersionOf = (versions: readonly string[]): ReviewVersion =>
  versions.find((version): version is ReviewVersion => version === 'v1' || version === 'v1beta1') ?? 'v1';

/** `objects` are JSON texts. The empty response is there because upstream sends it. */
export const renderReview = (
  uid: string,
  objects: readonly string[],
  apiVersion: string,
  version: ReviewVersion,
): string =>
  `{"kind":"ConversionReview","apiVersion":"apiextensions.k8s.io/${version}","request":{"uid":"${uid}",` +
  `"desiredAPIVersion":${JSON.stringify(apiVersion)},"objects":[${objects.join(',')}]},` +
  `"response":{"uid":"","convertedObjects":null,"result":{"metadata":{}}}}`;

export interface Asked {
  readonly uid: string;
  readonly version: ReviewVersion;
  readonly objects: readonly KubeObject[];
  readonly to: Target;
}

/** The converted objects, with the metadata of the originals except for labels and annotations. @throws AnswerRefused */
export function readReview(body: Buffer, { uid, version, objects, to }: Asked): KubeObject[] {
  const review = parseReview(body);
  if (version === 'v1') checkKind(review);
  const { response } = review;
  if (response === undefined || response === null) throw malformed('no response provided');
  if (!isRecord(response)) throw wrongType(response, 'ConversionReview.response', 'v1.ConversionResponse');
  if (version === 'v1' && response['uid'] !== uid) {
    throw malformed(`expected response.uid=${JSON.stringify(uid)}, got ${shown(response['uid'] ?? '')}`);
  }
  checkResult(response['result']);
  const converted = response['convertedObjects'] ?? [];
  if (!Array.isArray(converted)) {
    throw wrongType(converted, 'ConversionResponse.response.convertedObjects', '[]runtime.RawExtension');
  }
  if (converted.length !== objects.length) {
    const found = `returned ${converted.length} objects, expected ${objects.length}`;
    throw new AnswerRefused('conversion_webhook_partial_response_failure', found);
  }
  return objects.map((original, i) => checkedObject(original, converted[i], to, { i, isOnly: objects.length === 1 }));
}

const malformed = (why: string) => new AnswerRefused('conversion_webhook_malformed_response_failure', `failed: ${why}`);
const undecodable = (why: string) => new AnswerRefused('conversion_webhook_call_failure', `failed: ${why}`);
const wrongType = (value: unknown, field: string, type: string) =>
  undecodable(`json: cannot unmarshal ${jsonType(value)} into Go struct field ${field} of type ${type}`);

/** As Go's decoder names the types of JSON. */
function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

const maxShown = 200;
const shown = (value: unknown): string => JSON.stringify(value).slice(0, maxShown);
const textOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, maxShown) : '');

/** Fields and items of one answer, which is parsed in one turn. */
const maxValues = 200_000;

function parseReview(body: Buffer): Record<string, unknown> {
  if (body.length === 0)
    throw undecodable('0-length response with status code: 200 and content type: application/json');
  let review: unknown;
  try {
    review = parseJson(body, maxValues, 'kept');
  } catch (err) {
    throw undecodable(`couldn't get version/kind; json parse error: ${describeError(err)}`);
  }
  if (!isRecord(review)) throw undecodable("couldn't get version/kind; the answer is no JSON object");
  return review;
}

function checkKind({ apiVersion, kind }: Record<string, unknown>): void {
  const [version, name] = [textOf(apiVersion), textOf(kind)];
  if (version === 'apiextensions.k8s.io/v1' && name === 'ConversionReview') return;
  if (version === '' && name === '') {
    throw malformed('expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=');
  }
  if (version === 'apiextensions.k8s.io/v1beta1' && name === 'ConversionReview') {
    throw undecodable('converting (v1beta1.ConversionReview) to (v1.ConversionReview): unknown conversion');
  }
  throw undecodable(`no kind ${JSON.stringify(name)} is registered for version ${JSON.stringify(version)}`);
}

/** As Go prints a GroupVersionKind. */
export const describeKind = (apiVersion: string, kind: string): string =>
  `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;

function checkResult(result: unknown): void {
  const { status, message } = isRecord(result) ? result : {};
  if (status === 'Success') return;
  if (typeof message === 'string' && message !== '') throw malformed(message.slice(0, maxMessage));
  throw malformed(`response.result.status was '${textOf(status)}', not 'Success'`);
}

/** Characters of a message of the webhook. */
const maxMessage = 10_000;

interface Place {
  readonly i: number;
  /** One object was sent: then the message has another form. */
  readonly isOnly: boolean;
}

function checkedObject(original: KubeObject, converted: unknown, to: Target, { i, isOnly }: Place): KubeObject {
  const invalid = (what: string, why: string) =>
    new AnswerRefused(
      'conversion_webhook_invalid_converted_object_failure',
      isOnly ? `returned invalid ${what}${why}` : `returned invalid converted object at index ${i}${why}`,
    );
  const problem = objectProblem(converted);
  if (problem !== undefined) {
    if (isOnly) throw new AnswerRefused('conversion_webhook_invalid_converted_object_failure', problem, true);
    throw invalid('', `: ${problem}`);
  }
  const { apiVersion, kind, metadata } = converted as Record<string, unknown>;
  if (apiVersion !== to.apiVersion) {
    const why = `invalid groupVersion (expected ${to.apiVersion}, received ${textOf(apiVersion)})`;
    throw invalid('object at index 0', `: ${why}`);
  }
  if (kind !== original.kind) {
    throw invalid('object at index 0', `: invalid kind (expected ${original.kind}, received ${textOf(kind)})`);
  }
  const fields = isRecord(metadata) ? metadata : {};
  for (const [field, name] of identity) {
    const expected = original.metadata?.[field] ?? '';
    const found = textOf(fields[field]);
    if (found !== expected) throw invalid('object', `: must have the same ${name}: ${expected} != ${found}`);
  }
  const wrong = metadataProblem(metadata, original.metadata ?? {});
  if (wrong !== undefined) {
    if (isOnly) throw invalid('metadata', `: ${wrong}`);
    const text = `returned invalid metadata in object at index ${i}: ${wrong}`;
    throw new AnswerRefused('conversion_webhook_invalid_converted_object_failure', text);
  }
  return { ...(converted as KubeObject), metadata: restored(original.metadata ?? {}, fields) };
}

/** Why a value is no object of any kind. */
function objectProblem(value: unknown): string | undefined {
  if (value === null) return 'unexpected end of JSON input';
  if (!isRecord(value)) {
    return `json: cannot unmarshal ${jsonType(value)} into Go value of type map[string]interface {}`;
  }
  const hasKind = typeof value['kind'] === 'string' && value['kind'] !== '';
  return hasKind ? undefined : `Object 'Kind' is missing in '${JSON.stringify(value).slice(0, maxMessage)}'`;
}

const identity = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const;
const changeable = ['labels', 'annotations'] as const;

/** Why the labels and annotations of the answer cannot be used. */
function metadataProblem(metadata: unknown, original: ObjectMeta): string | undefined {
  if (metadata === undefined) return 'missing metadata in converted object';
  if (!isRecord(metadata)) return `invalid metadata of type ${goType(metadata)} in converted object`;
  for (const field of changeable) {
    const values = metadata[field];
    if (values === undefined || values === null) continue;
    if (!isRecord(values)) return `invalid metadata.${field} of type ${goType(values)} in converted object`;
    for (const [key, value] of Object.entries(values)) {
      if (typeof value === 'string') continue;
      return `metadata.${field}[${key.slice(0, maxShown)}] must be a string, but is ${goType(value)} in converted object`;
    }
    const texts = values as Record<string, string>;
    if (isSame(texts, original[field] ?? {})) continue;
    const causes =
      field === 'labels'
        ? validateLabels(texts, 'metadata.labels')
        : // The path is upstream's.
          validateAnnotations(texts, 'metadata.annotation');
    if (causes.length > 0) return aggregate(causes);
  }
  return undefined;
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function aggregate(causes: readonly FieldCause[]): string {
  const texts = [...new Set(causes.map(({ field, message }) => `${field}: ${message}`))];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}

function restored(original: ObjectMeta, { labels, annotations }: Record<string, unknown>): ObjectMeta {
  const { labels: _, annotations: __, ...kept } = original;
  return {
    ...kept,
    ...(isRecord(labels) ? { labels: labels as Record<string, string> } : {}),
    ...(isRecord(annotations) ? { annotations: annotations as Record<string, string> } : {}),
  };
}

/** The name of the type that Go's JSON decoder makes of a value. */
function goType(value: unknown): string {
  if (value === null) return '<nil>';
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'string' ? 'string' : 'map[string]interface {}';
}
