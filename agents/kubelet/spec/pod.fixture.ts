// Pods and container records that tests of this folder start from.
import type { Pod } from '../../../controlplane/api';
import { containerType, labels, sandboxContainerName, sandboxType } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import type { Container } from './container';
import { specHash } from './spec-hash';

export const now = Date.parse('2026-01-01T00:00:00Z');

export const container = (name: string, more: Partial<Container> = {}): Container => ({
  name,
  image: 'app:1',
  ...more,
});

/** A container that mounts these volumes at /NAME. */
export const mounting = (name: string, volumes: readonly string[]): Container =>
  container(name, { volumeMounts: volumes.map((volume) => ({ name: volume, mountPath: `/${volume}` })) });

export function pod(spec: Partial<NonNullable<Pod['spec']>> = {}, more: Partial<Pod> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', uid: 'u1' },
    spec: { nodeName: 'n1', restartPolicy: 'Always', containers: [container('app')], ...spec },
    ...more,
  };
}

export const sandbox = (more: Partial<ContainerRecord> = {}): ContainerRecord => ({
  id: 'sb',
  name: 'k8s_POD_web_shop_u1_0',
  labels: {
    [labels.podUid]: 'u1',
    [labels.type]: sandboxType,
    [labels.containerName]: sandboxContainerName,
    [labels.restartCount]: '0',
  },
  image: 'pause',
  imageId: 'sha256:pause',
  state: 'running',
  createdAtMs: now - 60_000,
  startedAtMs: now - 60_000,
  ...more,
});

/** A record of `of` in sandbox sb, running unless said otherwise. */
export function record(
  of: Container,
  more: Partial<ContainerRecord> & { restarts?: number; sandboxId?: string } = {},
): ContainerRecord {
  const { restarts = 0, sandboxId = 'sb', ...rest } = more;
  return {
    id: `${of.name}-${restarts}`,
    name: `k8s_${of.name}_web_shop_u1_${restarts}`,
    labels: {
      [labels.podUid]: 'u1',
      [labels.type]: containerType,
      [labels.containerName]: of.name,
      [labels.restartCount]: String(restarts),
      [labels.sandboxId]: sandboxId,
      [labels.specHash]: specHash(of),
    },
    image: 'app:1',
    imageId: 'sha256:app',
    state: 'running',
    createdAtMs: now - 50_000 + restarts,
    startedAtMs: now - 50_000 + restarts,
    ...rest,
  };
}

export const exited = (of: Container, exitCode: number, more: Parameters<typeof record>[1] = {}): ContainerRecord =>
  record(of, { state: 'exited', exitCode, finishedAtMs: now - 5_000, ...more });
