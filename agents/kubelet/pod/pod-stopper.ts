// Ends the containers of one pod, one of them or all in their order, and removes them with their addresses and links. The worker and its
// plan decide which containers end.
import { defaultGraceSeconds, graceSecondsOf, isSidecar, type Pod } from '../../../controlplane/api';
import { isSandbox, labels, podIpsOf, restartCountOf } from '../runtime/labels';
import type { ContainerRecord } from '../runtime/runtime';
import { findContainer } from '../spec/container';
import type { PodDeps } from './deps';
import { Killer } from './killer';
import type { ObservedPod } from './observed-pod';
import type { PodAction } from './plan';
import { removeSandbox } from './sandbox';
import type { TerminationMessages } from './termination-message';
import { watchRunning } from './watch-probes';

export class PodStopper {
  private readonly killer: Killer;

  constructor(
    private readonly deps: PodDeps,
    private readonly messages: TerminationMessages,
    private readonly observed: ObservedPod,
  ) {
    this.killer = new Killer(deps);
  }

  /** Ends one container because of its probe or a changed spec. */
  async kill(pod: Pod, action: PodAction<'kill-container'>): Promise<void> {
    const record = this.deps.records.get(action.id);
    if (!record) return;
    this.deps.probes.unwatch(record.id);
    const container = findContainer(pod, action.name);
    const probe = /liveness/.test(action.message) ? container?.livenessProbe : container?.startupProbe;
    const graceSeconds =
      (/probe/.test(action.message) ? probe?.terminationGracePeriodSeconds : undefined) ?? graceSecondsOf(pod.spec);
    await this.killer.kill({ pod, record, graceSeconds, message: action.message, podIp: this.observed.podIps[0] });
  }

  /** Removes an ended container or sandbox. */
  async remove(id: string): Promise<void> {
    const record = this.deps.records.get(id);
    if (!record) return;
    if (isSandbox(record)) await removeSandbox(this.deps, id, this.addressesOf(record));
    else await this.deps.runtime.remove(id);
    this.deps.records.remove(id);
    this.messages.forget([id]);
  }

  /**
   * Ends containers without grace and removes them one after another, because all containers of the pod restart. `removed` gets each name,
   * and how often the container has been started.
   */
  async reset(pod: Pod, ids: readonly string[], removed: (name: string, starts: number) => void): Promise<void> {
    const { records, probes } = this.deps;
    const podIp = this.observed.podIps[0];
    const found = ids.flatMap((id) => records.get(id) ?? []);
    const running = found.filter(({ state }) => state === 'running');
    for (const { id } of found) probes.unwatch(id);
    await Promise.all(running.map((record) => this.killer.kill({ pod, record, graceSeconds: 0, podIp })));
    for (const record of found) {
      const name = record.labels[labels.containerName] ?? '';
      // The newest record comes first.
      const newest = found.find((each) => each.labels[labels.containerName] === name) ?? record;
      if (newest.state !== 'created') removed(name, restartCountOf(newest) + 1);
      await this.remove(record.id);
    }
  }

  /** The sandbox's addresses, without those that a newer sandbox of this pod has. */
  private addressesOf(sandbox: ContainerRecord): readonly string[] {
    const ips = podIpsOf(sandbox);
    const others = this.observed.records.filter((each) => each.id !== sandbox.id && isSandbox(each));
    return others.some((each) => podIpsOf(each)[0] === ips[0]) ? [] : ips;
  }

  /** `graceSeconds`: if the pod gets less than its spec says. */
  async stopPod(pod: Pod, reason: string, graceSeconds = graceSecondsOf(pod.spec)): Promise<void> {
    if (reason === 'Pod sandbox changed') {
      const message = 'Pod sandbox changed, it will be killed and re-created.';
      this.deps.events.record(pod, 'Normal', 'SandboxChanged', message);
    }
    // Without its sandbox a container cannot be reached.
    for (const { id } of this.observed.records) this.deps.probes.unwatch(id);
    await this.stopContainers(pod, graceSeconds);
    for (const record of this.observed.records.filter(isSandbox))
      await removeSandbox(this.deps, record.id, this.addressesOf(record));
  }

  /** App containers end first, then sidecars in reverse order. */
  async stopContainers(pod: Pod | undefined, graceSeconds: number): Promise<void> {
    const deadline = this.deps.clock.now() + graceSeconds * 1000;
    const sidecars = (pod?.spec?.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
    const running = this.observed.records.filter((record) => !isSandbox(record) && record.state === 'running');
    const nameOf = (record: ContainerRecord) => record.labels[labels.containerName] ?? '';
    const { probes } = this.deps;
    // After a restart of the kubelet nothing is probed yet, but what was ready may serve until it ends.
    if (pod) watchRunning(this.deps, pod, this.observed, () => false);
    for (const { id } of running) probes.keepReadiness(id);
    const kill = async (record: ContainerRecord) => {
      const left = Math.max(0, Math.round((deadline - this.deps.clock.now()) / 1000));
      await this.killer.kill({ pod, record, graceSeconds: left, podIp: this.observed.podIps[0] });
      probes.unwatch(record.id);
    };
    await Promise.all(running.filter((record) => !sidecars.includes(nameOf(record))).map(kill));
    for (const name of sidecars.reverse()) {
      for (const record of running.filter((each) => nameOf(each) === name)) await kill(record);
    }
  }

  labelledGrace(): number {
    const texts = this.observed.records
      .map((record) => record.labels[labels.graceSeconds])
      .filter((text) => text !== undefined);
    return texts.length === 0 ? defaultGraceSeconds : Math.max(...texts.map(Number));
  }

  /** Shortens running kills, and begins no new one. */
  shorten(pod: Pod | undefined, graceSeconds: number): void {
    for (const record of this.observed.records) {
      if (isSandbox(record) || record.state !== 'running' || !this.killer.isKilling(record.id)) continue;
      this.killer.kill({ pod, record, graceSeconds, podIp: this.observed.podIps[0] }).catch(() => {
        // The pass that began the kill gets the failure.
      });
    }
  }

  /** Removes all containers of the pod, running or not. */
  async removeAll(): Promise<void> {
    for (const record of this.observed.records) this.deps.probes.unwatch(record.id);
    await Promise.all(
      this.observed.records.map(async (record) => {
        if (isSandbox(record)) await removeSandbox(this.deps, record.id, this.addressesOf(record));
        else {
          await this.deps.runtime.remove(record.id);
          this.deps.records.remove(record.id);
        }
      }),
    );
  }
}
