// The settings on which all nodes agree: init writes them to a ConfigMap, and join reads it. Also whether the server and a node are ready.
import {
  type ConfigMap,
  conditionOf,
  configMaps,
  controlPlaneLabel,
  isReady,
  nodes,
  type Role,
  type RoleBinding,
  roleBindings,
  roles,
} from '../../controlplane/api';
import { AppError, hasCode, isNotFound, isUnavailable } from '../../controlplane/base/errors';
import type { Client } from '../../controlplane/client/client';
import { type ClusterSettings, defaults } from './desired';

const namespace = 'kube-system';
export const settingsName = 'k8ts-settings';
const readersName = 'k8ts:settings-readers';

/** Who may read the settings: nodes, and machines that join. */
const readers = ['system:nodes', 'system:bootstrappers:kubeadm:default-node-token'];

/** Creates or changes the ConfigMap and lets nodes read it. Returns whether it changed anything. */
export async function publishSettings(client: Client, settings: ClusterSettings): Promise<boolean> {
  const metadata = { name: settingsName, namespace };
  const data = { ...settings };
  const config: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
  const there = await unlessMissing(() => client.get(configMaps, `${namespace}/${settingsName}`));
  const same = there !== undefined && Object.entries(data).every(([name, value]) => there.data?.[name] === value);
  if (!there) await client.create(configMaps, config);
  else if (!same) await client.update(configMaps, { ...there, data });
  const role: Role = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: readersName, namespace },
    rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: [settingsName], verbs: ['get'] }],
  };
  const binding: RoleBinding = {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: readersName, namespace },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: readersName },
    subjects: readers.map((name) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name })),
  };
  await unlessThere(() => client.create(roles, role));
  await unlessThere(() => client.create(roleBindings, binding));
  return !same;
}

/** Undefined when init did not create the cluster, or when there is no such ConfigMap. */
export async function readSettings(client: Client): Promise<ClusterSettings | undefined> {
  try {
    const { data = {} } = await client.get(configMaps, `${namespace}/${settingsName}`);
    return Object.fromEntries(
      Object.entries(defaults).map(([name, value]) => [name, data[name] ?? value]),
    ) as unknown as ClusterSettings;
  } catch (err) {
    if (isNotFound(err) || hasCode(err, 'Forbidden')) return undefined;
    throw err;
  }
}

/** Undefined when the server answers, else what is wrong. */
export async function serverProblem(client: Client): Promise<string | undefined> {
  try {
    await client.list(nodes, { limit: 1 });
    return undefined;
  } catch (err) {
    if (isUnavailable(err)) return err.message;
    throw err;
  }
}

/** Undefined when the node is Ready; otherwise the reason that the node or the server gives. */
export async function nodeProblem(client: Client, name: string): Promise<string | undefined> {
  try {
    const node = await client.get(nodes, name);
    if (isReady(node)) return undefined;
    const ready = conditionOf(node, 'Ready');
    return ready ? `${ready.reason}: ${ready.message}` : 'its kubelet has not reported yet';
  } catch (err) {
    if (isNotFound(err)) return 'its kubelet has not registered it yet';
    if (err instanceof AppError) return err.message;
    throw err;
  }
}

/**
 * Labels the Node as the control machine, which its own kubelet may not do. Undefined on success, otherwise the reason why it
 * must be tried again. Repeatable.
 */
export async function markControlPlane(client: Client, name: string): Promise<string | undefined> {
  try {
    await client.patch(nodes, name, 'merge', { metadata: { labels: { [controlPlaneLabel]: '' } } });
    return undefined;
  } catch (err) {
    if (isNotFound(err)) return 'its kubelet has not registered it yet';
    if (isUnavailable(err)) return err.message;
    throw err;
  }
}

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}

async function unlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (err) {
    if (!hasCode(err, 'AlreadyExists')) throw err;
  }
}
