// Decodes body bytes to an object of the requested kind, with the field validation that the client chose.

import type { Catalog } from '../../api/catalog';
import { type LargeIntegers, maxJsonValues, parseJson } from '../../api/json-text';
import { isCustom, type Kind } from '../../api/kind';
import { otherVersion } from '../../api/other-versions';
import { wrongType } from '../../api/schema/go-types';
import type { ObjectSchema } from '../../api/schema/schema';
import type { SchemaSet } from '../../api/schema/schema-set';
import { cannotHandle, type SourceText } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import { invalid as invalidValue } from '../../api/validation/causes';
import { BadRequest, describeError, isTooLarge } from '../../base/errors';
import { decodeMessage } from '../protobuf/decode';
import { openEnvelope, protobufType } from '../protobuf/envelope';
import { invalid, unsupportedMediaType } from '../status';
import { duplicateKeysOf, unmarshalErrors } from '../yaml/duplicate-keys';

/** No kind has as many top-level fields; copying hundreds of thousands would block the event loop. */
const maxFields = 100;

/** Upstream names protobuf for custom objects too. */
const acceptedTypes = ['application/json', 'application/yaml', protobufType];

/** Protobuf has no text. */
interface Decoded extends SourceText {
  readonly value: unknown;
}

/**
 * Decodes bytes to a plain value. A protobuf body is read by `schema`; custom resources cannot be protobuf. YAML is JSON already.
 * @throws StatusError 415, BadRequest
 */
export function decodeBody(body: Buffer, contentType: string, schema: ObjectSchema): unknown {
  return decode(body, contentType, schema, maxJsonValues).value;
}

function decode(body: Buffer, contentType: string, schema: ObjectSchema, maxValues: number): Decoded {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  switch (type) {
    case '':
    case 'application/json':
      return { value: typed(() => parseJson(body, maxValues, largeIntegersOf(schema))), ...sourceText(body) };
    case protobufType: {
      if (schema.unstructured) throw unsupportedMediaType(acceptedTypes);
      const { apiVersion, kind, raw } = openEnvelope(body);
      return { value: { ...decodeMessage(raw, schema, maxValues), apiVersion, kind } };
    }
    default:
      throw unsupportedMediaType(acceptedTypes);
  }
}

export const largeIntegersOf = ({ unstructured }: ObjectSchema): LargeIntegers => (unstructured ? 'kept' : 'refused');

function sourceText(body: Buffer): SourceText {
  const texts = duplicateKeysOf(body);
  return { json: body.toString(), ...(texts ? { yamlErrors: { texts, message: unmarshalErrors(texts) } } : {}) };
}

/** Upstream reads apiVersion and kind first, so an unreadable body is an error about them. */
function typed<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (isTooLarge(cause)) throw cause;
    throw new BadRequest(`couldn't get version/kind; json parse error: ${describeError(cause)}`);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The served kinds and their schemas. */
export interface Served {
  readonly catalog: Catalog;
  readonly schemas: SchemaSet;
}

export interface ObjectBody extends SourceText {
  readonly object: KubeObject;
}

/** Decodes an object of `kind`, filling in apiVersion and kind. @throws BadRequest, StatusError 415 */
export function decodeObject(served: Served, body: Buffer, contentType: string, kind: Kind): ObjectBody {
  const { value, ...text } = recognized(served.schemas.of(kind), body, contentType, kind);
  const { apiVersion, kind: name } = value;
  if (isCustom(kind)) checkCustomType(kind, value, body);
  else checkKind(served.catalog, kind, apiVersion, name);
  const metadata = value['metadata'] ?? {};
  if (!isRecord(metadata)) {
    throw cannotHandle(kind, wrongType(metadata, `${kind.kind}.metadata`, 'v1.ObjectMeta').message);
  }
  // The order in which objects are served: kind, apiVersion and metadata first. Nothing is deleted from the object: that
  // would make it a dictionary for the engine, and every later step slower.
  const isOurs = Object.keys(value).length <= maxFields;
  const object = (isOurs ? { kind: name, apiVersion, metadata: {}, ...value } : value) as KubeObject;
  object.kind = kind.kind;
  object.apiVersion = kind.apiVersion;
  object.metadata ??= {};
  return { object, ...text };
}

interface Recognized extends SourceText {
  readonly value: Record<string, unknown> & { readonly apiVersion?: string; readonly kind?: string };
}

/** Go's name for the struct into which upstream reads apiVersion and kind. */
const typeMeta =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** Why a value that is no object has no apiVersion and kind. */
export const noTypeMeta = (value: unknown): string => wrongType(value, '', typeMeta).message;

function recognized(schema: ObjectSchema, body: Buffer, contentType: string, kind: Kind): Recognized {
  try {
    const { value, ...text } = decode(body, contentType, schema, kind.options.maxValues ?? maxJsonValues);
    const object = value ?? {};
    typed(() => {
      if (!isRecord(object)) throw new BadRequest(noTypeMeta(object));
      for (const key of ['apiVersion', 'kind']) {
        const text = object[key] ?? '';
        if (typeof text !== 'string') throw wrongType(text, `.${key}`, 'string');
      }
    });
    return { value: object as Recognized['value'], ...text };
  } catch (cause) {
    throw unrecognized(kind, cause, body);
  }
}

/** Turns a BadRequest into upstream's message for an unreadable body; returns other errors unchanged. */
export function unrecognized(kind: Kind, cause: unknown, body: Buffer): unknown {
  if (!(cause instanceof BadRequest)) return cause;
  const what = `the object provided is unrecognized (must be of type ${kind.kind})`;
  return new BadRequest(`${what}: ${cause.message} (${summary(body)})`);
}

const maxSummary = 30;

/** The beginning of a body: JSON unchanged, other bytes as hexadecimal digits. */
function summary(body: Buffer): string {
  if (body.length === 0) return '<empty>';
  const head = body.subarray(0, maxSummary);
  const text = head[0] === openingBrace ? head.toString() : head.toString('hex');
  return body.length > maxSummary ? `${text} ...` : text;
}

const openingBrace = 0x7b;

/** @throws BadRequest for an object of another kind or version; an absent kind or version is correct */
export function checkKind(
  catalog: Catalog,
  kind: Kind,
  apiVersion: string | undefined,
  name: string | undefined,
): void {
  const foundVersion = apiVersion || kind.apiVersion;
  const foundKind = name || kind.kind;
  const isOwn = foundVersion === kind.apiVersion || kind.options.sentAs?.includes(foundVersion);
  if (foundKind === kind.kind && isOwn) return;
  // Upstream knows the older versions of a kind and converts them before it refuses them.
  if (foundKind === kind.kind && otherVersion(kind, foundVersion)) {
    throw new BadRequest(
      `the API version in the data (${foundVersion}) does not match the expected API version (${kind.apiVersion})`,
    );
  }
  const cause = wrongKind(catalog, kind, apiVersion, name);
  throw new BadRequest(
    `${foundKind} in version ${JSON.stringify(versionOf(foundVersion))} cannot be handled as a ${kind.kind}: ${cause}`,
  );
}

const versionOf = (apiVersion: string): string => apiVersion.slice(apiVersion.lastIndexOf('/') + 1);

/** A custom object has no Go type that would tell its kind, so it must name it. @throws BadRequest, Invalid */
function checkCustomType(kind: Kind, value: Recognized['value'], body: Buffer): void {
  if (!value.kind) throw unrecognized(kind, new BadRequest(`Object 'Kind' is missing in '${body.toString()}'`), body);
  if (value.apiVersion !== kind.apiVersion) {
    throw new BadRequest(
      `the API version in the data (${value.apiVersion ?? ''}) does not match the expected API version (${kind.apiVersion})`,
    );
  }
  checkCustomKind(kind, value.kind, value['metadata']);
}

/** @throws Invalid */
export function checkCustomKind(kind: Kind, name: string, metadata: unknown): void {
  if (name === kind.kind) return;
  const objectName = isRecord(metadata) ? metadata['name'] : undefined;
  const cause = invalidValue('kind', name, `must be ${kind.kind}`);
  throw invalid({ group: kind.group, kind: name }, typeof objectName === 'string' ? objectName : '', [cause]);
}

/** Upstream's words for why an object of this kind and version is none of `kind`; undefined for its own. Empty texts are its own. */
export function wrongKind(
  catalog: Catalog,
  kind: Kind,
  apiVersion: string | undefined,
  name: string | undefined,
): string | undefined {
  const [foundVersion, foundKind] = [apiVersion || kind.apiVersion, name || kind.kind];
  if (foundVersion === kind.apiVersion && foundKind === kind.kind) return undefined;
  if (catalog.byKind(foundVersion, foundKind)) {
    return `converting (${versionOf(foundVersion)}.${foundKind}) to (${goPackage(kind.group)}.${kind.kind}): unknown conversion`;
  }
  if (foundVersion.split('/').length > 2) return `unexpected GroupVersion string: ${foundVersion}`;
  return `no kind ${JSON.stringify(foundKind)} is registered for version ${JSON.stringify(foundVersion)}`;
}

/** The package of upstream's internal types: core, apps, rbac. */
const goPackage = (group: string): string => (group === '' ? 'core' : group.split('.', 1)[0]!);
