// pods/binding: writes the scheduler's decision.
import { type Pod, pods, withCondition } from '../../api/index';
import type { KubeObject } from '../../api/types';
import { bindings } from '../../api/virtual';
import { BadRequest } from '../../base/errors';
import { jsonReply } from '../request';
import { type RestDeps, type RestRequest, readObject } from '../rest/context';
import { update } from '../rest/update';
import { writeOptions } from '../rest/write-options';
import type { SubresourceHandler } from '../servers/kind-server';
import { conflict } from '../status';

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

interface BindingBody extends KubeObject {
  readonly target?: { readonly kind?: string; readonly name?: string };
}

/** Serves both pods/NAME/binding and the older POST to bindings. */
export function bindingHandler(deps: RestDeps): SubresourceHandler {
  return async (rest) => {
    const { dryRun } = writeOptions(rest);
    const body = (await readObject(rest, bindings)) as BindingBody;
    const name = rest.route.name || (body.metadata?.name ?? '');
    const node = body.target?.name ?? '';
    if (node === '' || (body.target?.kind !== undefined && body.target.kind !== 'Node')) {
      throw new BadRequest('Binding.target: the kind must be Node and the name must be set');
    }
    const bound: RestRequest = { ...rest, route: { ...rest.route, kind: pods, name } };
    await update(deps, bound, {
      kind: pods,
      key: `${rest.route.namespace}/${name}`,
      subresource: 'binding',
      dryRun,
      // As upstream, which writes a binding past its field managers.
      tracked: true,
      transform: ({ json }) => {
        const pod = JSON.parse(json.toString()) as Pod;
        const refusal = bindingRefusal(pod, body);
        if (refusal) throw conflict({ ...pods, plural: 'pods/binding' }, name, refusal);
        assign(pod, node, body, deps.clock.now());
        return pod;
      },
    });
    return jsonReply(success, 201);
  };
}

function bindingRefusal(pod: Pod, { metadata }: BindingBody): string | undefined {
  const { name = '', uid, deletionTimestamp } = pod.metadata ?? {};
  if (metadata?.uid && metadata.uid !== uid) {
    return `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${uid ?? ''}`;
  }
  if (deletionTimestamp) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (pod.spec?.nodeName) return `pod ${name} is already assigned to node "${pod.spec.nodeName}"`;
  if ((pod.spec?.schedulingGates ?? []).length > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  return undefined;
}

function assign(pod: Pod, node: string, { metadata }: BindingBody, now: number): void {
  pod.spec!.nodeName = node;
  if (metadata?.annotations) {
    pod.metadata = { ...pod.metadata, annotations: { ...pod.metadata?.annotations, ...metadata.annotations } };
  }
  if (metadata?.labels) {
    // As upstream: a label that the pod has stays.
    pod.metadata = { ...pod.metadata, labels: { ...metadata.labels, ...pod.metadata?.labels } };
  }
  const conditions = withCondition(pod.status?.conditions, { type: 'PodScheduled', status: 'True' }, now);
  // KEP-5278: a nomination ends with the binding.
  const { nominatedNodeName: _, ...status } = pod.status ?? {};
  pod.status = { ...status, conditions: [...conditions] };
}
