// PATCH: JSON patch, merge patch and strategic merge patch, applied to what is stored at the moment of writing.
import type { KubeObject } from '../../api/types';
import { BadRequest, describeError } from '../../base/errors';
import { applyPatch, patchTypes } from '../patch/patch';
import { header, type Reply } from '../request';
import { unsupportedMediaType } from '../status';
import { checkStructure, isDryRun, type RestDeps, type RestRequest } from './context';
import { keyOf } from './metadata';
import { renderObject } from './read';
import { update } from './update';

const accepted = [patchTypes.json, patchTypes.merge, patchTypes.strategic];

export interface ParsedPatch {
  readonly type: string;
  readonly value: unknown;
}

/** @throws StatusError 415, BadRequest */
export async function readPatch(rest: RestRequest): Promise<ParsedPatch> {
  const { request } = rest;
  const type = header(request.headers, 'content-type').split(';', 1)[0]!.trim().toLowerCase();
  if (!(accepted as readonly string[]).includes(type)) throw unsupportedMediaType(accepted);
  const text = (await request.body()).toString();
  try {
    return { type, value: JSON.parse(text) };
  } catch (cause) {
    throw new BadRequest(`error decoding patch: ${describeError(cause)}`, { cause });
  }
}

export async function patchObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  const { kind, namespace, name, subresource } = rest.route;
  const dryRun = isDryRun(rest.query);
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
