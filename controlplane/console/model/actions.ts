// What can be done with an object, and which permission each action needs. Pure.
import type { Resource } from './discovery';

export type ActionId = 'edit' | 'delete' | 'scale' | 'restart' | 'logs' | 'exec';

/** The question of a SelfSubjectAccessReview. */
export interface AccessQuestion {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly verb: string;
  readonly namespace: string;
  readonly name: string;
}

/** Kinds whose pods are replaced when their template changes. */
const restartable: ReadonlySet<string> = new Set(['deployments.apps', 'daemonsets.apps', 'statefulsets.apps']);
/** Annotation of the pod template; kubectl rollout restart sets it too. */
export const restartedAt = 'kubectl.kubernetes.io/restartedAt';

const needs: Readonly<Record<ActionId, { readonly verb: string; readonly subresource: string }>> = {
  edit: { verb: 'update', subresource: '' },
  delete: { verb: 'delete', subresource: '' },
  scale: { verb: 'patch', subresource: 'scale' },
  restart: { verb: 'patch', subresource: '' },
  logs: { verb: 'get', subresource: 'log' },
  exec: { verb: 'create', subresource: 'exec' },
};

/** The actions that exist for the kind, whether or not the user may use them. */
export function actionsOf({ plural, group, verbs, subresources }: Resource): readonly ActionId[] {
  const can: Readonly<Record<ActionId, boolean>> = {
    edit: verbs.includes('update'),
    scale: subresources.includes('scale'),
    restart: restartable.has(`${plural}.${group}`),
    logs: subresources.includes('log'),
    exec: subresources.includes('exec'),
    delete: verbs.includes('delete'),
  };
  return (Object.keys(can) as ActionId[]).filter((id) => can[id]);
}

export function questionOf(
  action: ActionId,
  { group, version, plural }: Pick<Resource, 'group' | 'version' | 'plural'>,
  namespace: string,
  name: string,
): AccessQuestion {
  return { group, version, resource: plural, namespace, name, ...needs[action] };
}

/** Deleting these deletes all that they hold, so the reader types the name first. */
export const needsTypedName = ({ plural, group }: Pick<Resource, 'plural' | 'group'>): boolean =>
  (plural === 'namespaces' && group === '') ||
  (plural === 'customresourcedefinitions' && group === 'apiextensions.k8s.io');

export const restartPatch = (nowMs: number): string =>
  JSON.stringify({
    spec: { template: { metadata: { annotations: { [restartedAt]: new Date(nowMs).toISOString() } } } },
  });
export const scalePatch = (replicas: number): string => JSON.stringify({ spec: { replicas } });
