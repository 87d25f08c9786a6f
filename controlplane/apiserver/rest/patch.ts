// PATCH: JSON patch, merge patch and strategic merge patch, applied to what is stored at the moment of writing; and the door
// to server-side apply.
import type { KubeObject } from '../../api/types';
import { BadRequest, describeError } from '../../base/errors';
import { applyPatch, patchTypes } from '../patch/patch';
import { header, type Reply } from '../request';
import { unsupportedMediaType } from '../status';
import { applyObject } from './apply';
import { checkStructure, isDryRun, type RestDeps, type RestRequest } from './context';
import { refuseForce } from './field-manager';
import { keyOf } from './metadata';
import { renderObject } from './read';
import { update } from './update';

/** What the subresources with a body of their own take. */
const accepted = [patchTypes.json, patchTypes.merge, patchTypes.strategic];

export interface ParsedPatch {
  readonly type: string;
  readonly value: unknown;
}

/** @throws StatusError 415, BadRequest */
export async function readPatch(rest: RestRequest): Promise<ParsedPatch> {
  const { request } = rest;
  const type = patchType(rest);
  refuseForce(rest);
  if (!(accepted as readonly string[]).includes(type)) throw unsupportedMediaType(accepted);
  const text = (await request.body()).toString();
  try {
    return { type, value: JSON.parse(text) };
  } catch (cause) {
    throw new BadRequest(`error decoding patch: ${describeError(cause)}`, { cause });
  }
}

const patchType = ({ request }: RestRequest): string =>
  header(request.headers, 'content-type').split(';', 1)[0]!.trim().toLowerCase();

export async function patchObject(deps: RestDeps, rest: RestRequest): Promise<Reply> {
  if (patchType(rest) === patchTypes.apply) return applyObject(deps, rest);
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
