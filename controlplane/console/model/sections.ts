// The sections of the navigation, and which kinds stand in each. Pure.
import { isListed, type Resource } from './discovery';
import type { Tool } from './routes';

export type SectionId = 'workloads' | 'network' | 'config' | 'storage' | 'access' | 'cluster' | 'more';

export interface Section {
  readonly id: SectionId;
  readonly resources: readonly Resource[];
}

/** By plural.group, in the order in which they are shown. Everything else is in the last section, sorted by group. */
const known: Readonly<Record<Exclude<SectionId, 'more'>, readonly string[]>> = {
  workloads: [
    'pods.',
    'deployments.apps',
    'statefulsets.apps',
    'daemonsets.apps',
    'replicasets.apps',
    'jobs.batch',
    'cronjobs.batch',
    'horizontalpodautoscalers.autoscaling',
    'poddisruptionbudgets.policy',
    'replicationcontrollers.',
  ],
  network: [
    'services.',
    'ingresses.networking.k8s.io',
    'networkpolicies.networking.k8s.io',
    'endpointslices.discovery.k8s.io',
    'endpoints.',
    'ingressclasses.networking.k8s.io',
  ],
  config: ['configmaps.', 'secrets.', 'resourcequotas.', 'limitranges.'],
  storage: ['persistentvolumeclaims.', 'persistentvolumes.', 'storageclasses.storage.k8s.io'],
  access: [
    'serviceaccounts.',
    'roles.rbac.authorization.k8s.io',
    'rolebindings.rbac.authorization.k8s.io',
    'clusterroles.rbac.authorization.k8s.io',
    'clusterrolebindings.rbac.authorization.k8s.io',
    'certificatesigningrequests.certificates.k8s.io',
  ],
  cluster: [
    'nodes.',
    'namespaces.',
    'events.',
    'leases.coordination.k8s.io',
    'customresourcedefinitions.apiextensions.k8s.io',
    'apiservices.apiregistration.k8s.io',
  ],
};

/** Another form of kinds that are shown already: events.events.k8s.io are the events of the core group. */
const hidden: ReadonlySet<string> = new Set(['events.events.k8s.io']);

const keyOf = ({ plural, group }: Resource): string => `${plural}.${group}`;

/** Sections without kinds are left out. */
export function sectionsOf(resources: readonly Resource[]): readonly Section[] {
  const rest = new Map(resources.filter(isListed).map((resource) => [keyOf(resource), resource]));
  for (const key of hidden) rest.delete(key);
  const sections = Object.entries(known).map(([id, keys]): Section => {
    const found = keys.flatMap((key) => rest.get(key) ?? []);
    for (const key of keys) rest.delete(key);
    return { id: id as SectionId, resources: found };
  });
  const more = [...rest.values()].sort((a, b) => compare(a.group, b.group) || compare(a.plural, b.plural));
  return [...sections, { id: 'more' as const, resources: more }].filter((section) => section.resources.length > 0);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** `g` and then the letter goes to the list: by plural.group. */
export const goToKeys: Readonly<Record<string, string>> = {
  p: 'pods.',
  d: 'deployments.apps',
  s: 'services.',
  n: 'nodes.',
  e: 'events.',
  i: 'ingresses.networking.k8s.io',
  c: 'configmaps.',
  j: 'jobs.batch',
  a: 'namespaces.',
};

/** `g` and then the letter goes to the view: topology, and the way of a packet. */
export const toolKeys: Readonly<Record<string, Tool>> = { t: 'topology', w: 'path' };

export const resourceOfKey = (resources: readonly Resource[], letter: string): Resource | undefined =>
  resources.find((resource) => keyOf(resource) === goToKeys[letter]);
