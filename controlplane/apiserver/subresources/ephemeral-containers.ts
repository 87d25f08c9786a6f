// pods/ephemeralcontainers: reads a pod, and writes its ephemeral containers only. Whatever else a client sends stays as it is stored.
import type { Pod } from '../../api/pod';
import { BadRequest } from '../../base/errors';
import { type RestDeps, type RestRequest, readObject } from '../rest/context';
import { keyOf } from '../rest/metadata';
import { patched, readPatch } from '../rest/patch';
import { getObject, renderObject } from '../rest/read';
import { update } from '../rest/update';
import { writeOptions } from '../rest/write-options';
import type { SubresourceHandler } from '../servers/kind-server';

export function ephemeralContainersHandler(deps: RestDeps): SubresourceHandler {
  return async (rest) => {
    const { kind, namespace, name, verb, subresource } = rest.route;
    if (verb === 'get') return getObject(deps, rest);
    const change = verb === 'update' ? await replacement(rest) : await patch(rest);
    const updated = await update(deps, rest, {
      kind,
      key: keyOf(kind, namespace, name),
      subresource,
      dryRun: writeOptions(rest).dryRun,
      transform: ({ json }) => {
        const read = () => JSON.parse(json.toString()) as Pod;
        const desired = change(read());
        const object = read();
        const { ephemeralContainers = [] } = desired.spec ?? {};
        if (object.spec) object.spec.ephemeralContainers = ephemeralContainers;
        // The body is a whole pod, so its preconditions apply.
        const { resourceVersion = '', uid } = desired.metadata ?? {};
        object.metadata = { ...object.metadata, resourceVersion, ...(uid ? { uid } : {}) };
        return object;
      },
    });
    return renderObject(deps, rest, updated, 200);
  };
}

type Change = (current: Pod) => Pod;

async function replacement(rest: RestRequest): Promise<Change> {
  const desired = (await readObject(rest, rest.route.kind)) as Pod;
  const { name } = desired.metadata ?? {};
  if (name && name !== rest.route.name) {
    throw new BadRequest(`the name of the object (${name}) does not match the name on the URL (${rest.route.name})`);
  }
  return () => desired;
}

async function patch(rest: RestRequest): Promise<Change> {
  const parsed = await readPatch(rest);
  return (current) => patched(rest, parsed, current, rest.route.kind);
}
