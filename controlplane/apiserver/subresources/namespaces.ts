// namespaces/finalize: the only way to change spec.finalizers; without any finalizer the namespace is deleted.
import type { Namespace } from '../../api/namespace';
import { type RestDeps, readObject } from '../rest/context';
import { checkName } from '../rest/create-on-update';
import { renderObject } from '../rest/read';
import { update } from '../rest/update';
import { writeOptions } from '../rest/write-options';
import type { SubresourceHandler } from '../servers/kind-server';

export function finalizeHandler(deps: RestDeps): SubresourceHandler {
  return async (rest) => {
    const { kind, name } = rest.route;
    const { dryRun } = writeOptions(rest);
    const wanted = (await readObject(rest, kind)) as Namespace;
    checkName(name, wanted);
    const updated = await update(deps, rest, {
      kind,
      key: name,
      subresource: 'finalize',
      dryRun,
      transform: ({ json }) => {
        const object = JSON.parse(json.toString()) as Namespace;
        object.spec = { ...object.spec, finalizers: [...(wanted.spec?.finalizers ?? [])] };
        const { resourceVersion = '', uid } = wanted.metadata ?? {};
        object.metadata = { ...object.metadata, resourceVersion, ...(uid ? { uid } : {}) };
        return object;
      },
    });
    return renderObject(deps, rest, updated, 200);
  };
}
