// From body bytes to an object of the kind asked for, with the field validation the client chose.
import { parseJson } from '../../api/json-text';
import type { Kind } from '../../api/kind';
import { schemaOfModel } from '../../api/schema/load';
import { cannotHandle, decodeStructure } from '../../api/schema/structure';
import type { KubeObject } from '../../api/types';
import { BadRequest, describeError } from '../../base/errors';
import { decodeMessage, openEnvelope, protobufType } from '../protobuf/decode';
import { unsupportedMediaType } from '../status';

/**
 * Bytes to a plain value; `model` says what a protobuf body holds. YAML has become JSON before.
 * @throws StatusError 415, BadRequest
 */
export function decodeBody(body: Buffer, contentType: string, model: string): unknown {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (type === protobufType) {
    const { apiVersion, kind, raw } = openEnvelope(body);
    return { ...decodeMessage(raw, schemaOfModel(model).name), apiVersion, kind };
  }
  try {
    if (type === '' || type === 'application/json' || type === '*/*') return parseJson(body);
  } catch (cause) {
    if (cause instanceof BadRequest) throw cause;
    throw new BadRequest(`couldn't get version/kind; json parse error: ${describeError(cause)}`, { cause });
  }
  throw unsupportedMediaType(['application/json', 'application/yaml', protobufType]);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Decodes an object of `kind`, filling in apiVersion and kind. @throws BadRequest, StatusError 415 */
export function decodeObject(body: Buffer, contentType: string, kind: Kind): KubeObject {
  const value = decodeBody(body, contentType, kind.options.model);
  if (!isRecord(value)) throw new BadRequest(`the object provided is unrecognized (must be of type ${kind.kind})`);
  const { apiVersion, kind: name } = value;
  if (name !== undefined && name !== kind.kind) {
    throw new BadRequest(
      `${String(name)} in version ${JSON.stringify(versionOf(apiVersion))} cannot be handled as a ${kind.kind}: ` +
        `no kind ${JSON.stringify(name)} is registered for this resource`,
    );
  }
  if (apiVersion !== undefined && apiVersion !== kind.apiVersion) {
    throw new BadRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${kind.apiVersion})`,
    );
  }
  if (value['metadata'] !== undefined && !isRecord(value['metadata'])) {
    throw cannotHandle(kind, 'metadata must be an object');
  }
  // The order in which objects are served: kind, apiVersion and metadata first. Nothing is deleted from the object: that
  // would make it a dictionary for the engine, and every later step slower.
  const object = { kind: name, apiVersion, metadata: {}, ...value } as KubeObject;
  object.kind = kind.kind;
  object.apiVersion = kind.apiVersion;
  object.metadata ??= {};
  return object;
}

const versionOf = (apiVersion: unknown): string => String(apiVersion ?? '').replace(/^.*\//, '');

/** Options in a body: their types are checked, unknown fields are dropped. @throws BadRequest */
export function decodeOptions(value: unknown, model: string): unknown {
  decodeStructure(model, value, undefined);
  return value;
}
