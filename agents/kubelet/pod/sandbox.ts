// Creates and removes the pause container of a pod and its wire. To save time, app containers can be created while the pause
// container starts.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../../controlplane/api';
import { BadRequest, isAlreadyExists, isNotFound, NotFound } from '../../../controlplane/base/errors';
import { readHostResolvConf } from '../../../dataplane/dns/resolv-conf';
import { labels } from '../runtime/labels';
import type { ContainerSpec } from '../runtime/runtime';
import { resourcesOf } from '../spec/container-resources';
import { sandboxSpec } from '../spec/container-spec';
import { kernelHostname, podDomain, podHostname, renderHostNetworkHosts, renderHosts } from '../spec/hosts';
import { parseResolvConf, podResolvConf, renderResolvConf } from '../spec/resolv-conf';
import type { PodDeps } from './deps';
import { lookUpHandler } from './runtime-handler';

/** A sandbox that starts: containers are created after `created` resolves, and started after `ready` resolves. */
export interface SandboxStart {
  /** Empty on the node's own network. */
  readonly podIps: readonly string[];
  readonly created: Promise<string>;
  readonly ready: Promise<void>;
}

/** After a failure the address is free again and the container is removed. */
export function startSandbox(deps: PodDeps, pod: Pod, attempt: number): SandboxStart {
  const podIps = pod.spec?.hostNetwork ? [] : deps.network.allocate();
  const files = writePodFiles(deps, pod, podIps);
  // At the same time as the creation: only the start needs the group with its limits.
  const group = deps.cgroups.ensure(pod);
  const created = Promise.all([lookUpHandler(deps.client, pod), deps.cgroups.parentOf(pod)]).then(
    ([handler, cgroupParent]) => {
      refuseUserNamespace(pod, handler);
      // On the node's network a pod has the node's name, even where several nodes share a machine.
      const hostname = pod.spec?.hostNetwork ? deps.node.nodeName : kernelHostname(pod, deps.node.dns.domain);
      const image = deps.node.pauseImage;
      return createSandbox(deps, sandboxSpec({ pod, attempt, image, hostname, podIps, handler, cgroupParent }));
    },
  );
  const ready = (async () => {
    let id: string | undefined;
    try {
      id = await created;
      await group;
      await bringUp(deps, id, podIps);
      await deps.cgroups.started(pod);
      await files;
    } catch (err) {
      if (id) await removeSandbox(deps, id, podIps);
      else deps.network.release(podIps);
      throw err;
    }
  })();
  // Callers that wait for `ready` get the failure. But when every container fails earlier, no caller waits.
  ready.catch(() => {});
  files.catch(() => {});
  group.catch(() => {});
  created.catch(() => {});
  return { podIps, created, ready };
}

/** Docker maps the users of all containers of an engine, or of none. @throws BadRequest with upstream's message */
function refuseUserNamespace({ spec }: Pod, handler: string | undefined): void {
  if (spec?.hostUsers !== false) return;
  const runtime = handler ? `RuntimeClass handler "${handler}"` : 'runtime';
  throw new BadRequest(`can't set \`spec.hostUsers: false\`, ${runtime} does not support user namespaces`);
}

/** Does not look for the pause image first: it is nearly always there, and the call would delay every start. */
async function createSandbox(deps: PodDeps, spec: ContainerSpec): Promise<string> {
  try {
    return await createContainer(deps, spec);
  } catch (err) {
    if (!isNotFound(err)) throw err;
    const { signal } = new AbortController();
    deps.images.clear();
    await deps.puller.ensure({
      podUid: spec.labels[labels.podUid] ?? '',
      image: spec.image,
      policy: 'IfNotPresent',
      credentials: () => [],
      report: () => {},
      signal,
    });
    return createContainer(deps, spec);
  }
}

async function bringUp(
  { runtime, records, network, clock, starts }: PodDeps,
  id: string,
  podIps: readonly string[],
): Promise<void> {
  const wired = podIps.length > 0;
  const started = await starts.run(async () => {
    await runtime.start(id);
    // Inside the limiter's turn, because the rest of this pod's start needs the process ID.
    return wired ? runtime.inspect(id) : undefined;
  });
  if (wired) {
    if (!started?.pid) throw new NotFound('the pause container ended at once');
    await network.attach({ pid: started.pid, ips: podIps, interfaceName: 'eth0' });
  }
  records.markStarted(id, started?.startedAtMs ?? clock.now(), started?.pid);
}

/** Creates a container and records it. Removes a leftover container with the same name that does not run. */
export async function createContainer({ runtime, records, clock }: PodDeps, spec: ContainerSpec): Promise<string> {
  let id: string;
  try {
    id = await runtime.create(spec);
  } catch (err) {
    if (!isAlreadyExists(err)) throw err;
    await records.relist();
    const leftover = records.all().find((record) => record.name === spec.name);
    if (leftover?.state === 'running') throw err;
    if (leftover) await runtime.remove(leftover.id);
    id = await runtime.create(spec);
  }
  records.put({
    id,
    name: spec.name,
    labels: spec.labels,
    image: spec.image,
    imageId: spec.image,
    state: 'created',
    createdAtMs: clock.now(),
    resources: resourcesOf(spec),
  });
  return id;
}

export async function removeSandbox(
  { runtime, records, network }: PodDeps,
  id: string,
  podIps: readonly string[],
): Promise<void> {
  await runtime.remove(id);
  if (podIps.length > 0) {
    await network.detach({ ips: podIps });
    network.release(podIps);
  }
  records.remove(id);
}

export const hostsPath = (deps: PodDeps, podUid: string): string => join(deps.volumes.podDir(podUid), 'etc-hosts');
export const resolvConfPath = (deps: PodDeps, podUid: string): string =>
  join(deps.volumes.podDir(podUid), 'resolv.conf');

/** Writes /etc/hosts and /etc/resolv.conf for all containers of the pod. */
async function writePodFiles(deps: PodDeps, pod: Pod, podIps: readonly string[]): Promise<void> {
  const uid = pod.metadata?.uid ?? '';
  await mkdir(deps.volumes.podDir(uid), { recursive: true, mode: 0o750 });
  const aliases = pod.spec?.hostAliases ?? [];
  const hosts = pod.spec?.hostNetwork
    ? renderHostNetworkHosts(await readFile('/etc/hosts', 'utf8'), aliases)
    : renderHosts({ podIps, hostname: podHostname(pod), domain: podDomain(pod, deps.node.dns.domain), aliases });
  const host = parseResolvConf(await readHostResolvConf(deps.node.resolvConf));
  await Promise.all([
    writeFile(hostsPath(deps, uid), hosts, { mode: 0o644 }),
    writeFile(resolvConfPath(deps, uid), renderResolvConf(podResolvConf(pod, deps.node.dns, host)), { mode: 0o644 }),
  ]);
}

/** True when the container could not start because the sandbox or the volumes failed. Those failures are reported elsewhere. */
export async function failsElsewhere(start: {
  readonly sandbox: SandboxStart;
  readonly volumes: Promise<unknown>;
}): Promise<boolean> {
  const results = await Promise.allSettled([start.sandbox.created, start.sandbox.ready, start.volumes]);
  return results.some((result) => result.status === 'rejected');
}
