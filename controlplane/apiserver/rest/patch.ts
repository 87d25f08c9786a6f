// PATCH: JSON patch, merge patch and strategic merge patch, applied to what is stored at the moment of writing; and the door
// to server-side apply.
import { parseJson } from '../../api/json-text';
import type { KubeObject } from '../../api/types';
import { BadRequest, describeError } from '../../base/errors';
import { applyPatch, patchTypes } from '../patch/patch';
import type { Reply } from '../request';
import { unsupportedMediaType } from '../status';
import { applyObject } from './apply';
import { checkStructure, type RestDeps, type RestRequest } from './context';
import { keyOf } from './metadata';
import { renderObject } from './read';
import { update } from './update';
import { mediaType, writeOptions } from './write-options';

/** What the subresources with a body of their own take. */
const accepted = [patchTypes.json, patchTypes.merge, patchTypes.strategic];

export interface ParsedPatch {
  readonly type: string;
  readonly value: unknown;
}

/** @throws StatusError 415, BadRequest */
export async function readPatch(rest: RestRequest): Promise<ParsedPatch> {
  const { request } = rest;
  const type = mediaType(rest);
  if (!(accepted as readonly string[]).includes(type)) throw unsupportedMediaType(accepted);
  const body = await request.body();
  try {
    return { type, value: parseJson(body) };
  } catch (cause) {
    if (cause instanceof BadRequest) throw cause;
    throw new BadRequest(`error decoding patch: ${describeError(cause)}`, { cause });
  }
}

export async function patchObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  if (mediaType(rest) === patchTypes.apply) return applyObject(deps, rest);
  const { kind, namespace, name, subresource } = rest.route;
  const { dryRun } = writeOptions(rest);
  const patch = await readPatch(rest);
  const updated = await update(deps, rest, {
    kind,
    key: keyOf(kind, namespace, name),
    subresource,
    dryRun,
    transform: ({ json }) => {
      const current = JSON.parse(json.toString()) as KubeObject;
      const patched = applyPatch(patch.type, current, patch.value, kind);
      checkStructure(rest, kind, patched);
      return patched;
    },
  });
  return renderObject(deps, rest, updated, 200);
}
