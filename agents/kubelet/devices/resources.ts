// The resources that device plug-ins have registered, and their devices: what the Node may announce. Pure, except for its memory.
import { healthy, type PluginDevice } from './plugin-api';

/** A plug-in that is gone for so long will not come back: its resource counts as 0. As upstream. */
export const stopGraceMs = 300_000;

interface Resource {
  devices: ReadonlyMap<string, PluginDevice>;
  /** False from the end of a plug-in until the next one reports its devices. */
  usable: boolean;
  /** When the plug-in went away, in ms since the epoch. Undefined while it serves. */
  stoppedAtMs: number | undefined;
}

export interface Amounts {
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
}

export class DeviceResources {
  private readonly byName = new Map<string, Resource>();

  /** A resource of an earlier kubelet: none of its devices can be used until its plug-in registers again. */
  remember(name: string, now: number): void {
    this.byName.set(name, { devices: new Map(), usable: false, stoppedAtMs: now });
  }

  /** A plug-in serves the resource; its devices follow, and until then nothing changes. */
  started(name: string): void {
    const known = this.byName.get(name);
    if (known) known.stoppedAtMs = undefined;
  }

  /** The devices are no longer healthy. */
  stopped(name: string, now: number): void {
    const known = this.byName.get(name);
    if (!known) return;
    known.usable = false;
    known.stoppedAtMs = now;
  }

  /** All devices of the resource now. Returns those whose health is another one than before, or that are new. */
  update(name: string, devices: readonly PluginDevice[]): ReadonlySet<string> {
    const before = this.byName.get(name)?.devices;
    const now = new Map(devices.map((device) => [device.ID, device]));
    this.byName.set(name, { devices: now, usable: true, stoppedAtMs: undefined });
    return new Set(devices.filter(({ ID, health }) => before?.get(ID)?.health !== health).map(({ ID }) => ID));
  }

  /** Undefined when no plug-in has registered the resource, or its plug-in is gone for good. */
  healthyOf(name: string, now: number): ReadonlySet<string> | undefined {
    const known = this.byName.get(name);
    if (!known || isOver(known, now)) return undefined;
    if (!known.usable) return new Set();
    return new Set([...known.devices.values()].filter(({ health }) => health === healthy).map(({ ID }) => ID));
  }

  /** As the plug-in last reported it; a device that it does not name counts as healthy, as upstream. */
  isHealthy(name: string, device: string): boolean {
    return (this.byName.get(name)?.devices.get(device)?.health ?? healthy) === healthy;
  }

  nodesOf(name: string, device: string): readonly number[] {
    return (
      this.byName
        .get(name)
        ?.devices.get(device)
        ?.topology?.nodes.map(({ ID }) => ID) ?? []
    );
  }

  /** A resource whose plug-in is gone for good stays, with nothing: others see that plug-ins manage it. */
  amounts(now: number): Amounts {
    const of = (count: (name: string, resource: Resource) => number) =>
      Object.fromEntries([...this.byName].map(([name, resource]) => [name, String(count(name, resource))]));
    return {
      capacity: of((_, resource) => (isOver(resource, now) ? 0 : resource.devices.size)),
      allocatable: of((name) => this.healthyOf(name, now)?.size ?? 0),
    };
  }

  /** For the file: what is registered, with its healthy devices. */
  registered(now: number): Readonly<Record<string, readonly string[]>> {
    const entries = [...this.byName.keys()].flatMap((name) => {
      const usable = this.healthyOf(name, now);
      return usable ? [[name, [...usable].sort()] as const] : [];
    });
    return Object.fromEntries(entries);
  }
}

const isOver = ({ stoppedAtMs }: Resource, now: number): boolean =>
  stoppedAtMs !== undefined && now - stoppedAtMs > stopGraceMs;
