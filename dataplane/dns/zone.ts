// The current content of the cluster's zone: Services, ready endpoints, pods and namespaces, changed one at a time. The zone
// finds objects; lookup.ts computes their records.
import { canonicalAddress } from '../../controlplane/base/cidr';
import type { EndpointInput, EndpointsInput, PodInput, PortInput, ServiceInput } from './records';
import { dashed } from './reverse-name';

/** A ready endpoint, with its label in the Service's zone. */
export interface NamedEndpoint {
  readonly label: string;
  readonly address: string;
}

export class Zone {
  /** Every change raises it: data derived from an older generation is stale. */
  generation = 0;
  /** False until every object has been listed once: until then a missing name may only be unknown. */
  synced = false;
  private readonly complete = Promise.withResolvers<void>();
  private readonly services = new Map<string, ServiceInput>();
  /** Service key → slice key → endpoints. */
  private readonly endpoints = new Map<string, Map<string, EndpointsInput>>();
  private readonly sliceOwner = new Map<string, string>();
  private readonly pods = new Map<string, PodInput>();
  /** `namespace/dashed address` → keys of pods. */
  private readonly podNames = new Map<string, Set<string>>();
  private readonly namespaces = new Set<string>();
  /** Address → keys of Services with this address, or with a ready endpoint that has it. */
  private readonly byAddress = new Map<string, Map<string, number>>();

  /** `origin` is the cluster domain, lower case, without a trailing dot. */
  constructor(readonly origin: string) {}

  setService(key: string, given: ServiceInput | undefined): void {
    const service = given && { ...given, addresses: given.addresses.map(canonicalAddress) };
    const old = this.services.get(key);
    for (const address of old?.addresses ?? []) this.countAddress(address, key, -1);
    for (const address of service?.addresses ?? []) this.countAddress(address, key, 1);
    if (service) this.services.set(key, service);
    else this.services.delete(key);
    this.generation++;
  }

  /** `sliceKey` names the slice; `given` undefined removes it. */
  setEndpoints(sliceKey: string, given: EndpointsInput | undefined): void {
    const part = given && { ...given, endpoints: given.endpoints.map(canonicalEndpoint) };
    const owner = this.sliceOwner.get(sliceKey);
    const old = owner === undefined ? undefined : this.endpoints.get(owner)?.get(sliceKey);
    if (owner !== undefined && old) {
      for (const address of addressesOf(old.endpoints)) this.countAddress(address, owner, -1);
      const parts = this.endpoints.get(owner)!;
      parts.delete(sliceKey);
      if (parts.size === 0) this.endpoints.delete(owner);
      this.sliceOwner.delete(sliceKey);
    }
    if (part) {
      this.sliceOwner.set(sliceKey, part.service);
      const parts = this.endpoints.get(part.service) ?? new Map<string, EndpointsInput>();
      this.endpoints.set(part.service, parts.set(sliceKey, part));
      for (const address of addressesOf(part.endpoints)) this.countAddress(address, part.service, 1);
    }
    if (old || part) this.generation++;
  }

  setPod(key: string, given: PodInput | undefined): void {
    const pod = given && { ...given, addresses: given.addresses.map(canonicalAddress) };
    const old = this.pods.get(key);
    if (old && pod && JSON.stringify(old.addresses) === JSON.stringify(pod.addresses)) return;
    for (const name of podNamesOf(old)) {
      const keys = this.podNames.get(name);
      keys?.delete(key);
      if (keys?.size === 0) this.podNames.delete(name);
    }
    for (const name of podNamesOf(pod)) this.podNames.set(name, (this.podNames.get(name) ?? new Set()).add(key));
    if (pod) this.pods.set(key, pod);
    else this.pods.delete(key);
    if (old || pod) this.generation++;
  }

  setNamespace(name: string, exists: boolean): void {
    if (this.namespaces.has(name) === exists) return;
    if (exists) this.namespaces.add(name);
    else this.namespaces.delete(name);
    this.generation++;
  }

  setSynced(): void {
    this.synced = true;
    this.generation++;
    this.complete.resolve();
  }

  /** Resolves when the complete zone is known. */
  get whenSynced(): Promise<void> {
    return this.complete.promise;
  }

  hasNamespace(name: string): boolean {
    return this.namespaces.has(name);
  }

  service(namespace: string, name: string): ServiceInput | undefined {
    return this.services.get(`${namespace}/${name}`);
  }

  /** Each address once, in the order of the slices. An endpoint without a hostname gets a label from its address. */
  endpointsOf(service: ServiceInput): readonly NamedEndpoint[] {
    const found = new Map<string, NamedEndpoint>();
    for (const { endpoints } of this.partsOf(service)) {
      for (const endpoint of endpoints) {
        for (const address of endpoint.addresses) {
          const label = endpoint.hostname ? endpoint.hostname.toLowerCase() : dashed(address);
          if (!found.has(address)) found.set(address, { label, address });
        }
      }
    }
    return [...found.values()];
  }

  /** The ports of a headless Service are those of its endpoints, because clients connect to these. */
  endpointPorts(service: ServiceInput): readonly (PortInput & { readonly endpoints: readonly NamedEndpoint[] })[] {
    const ports = new Map<string, PortInput & { readonly endpoints: NamedEndpoint[] }>();
    for (const part of this.partsOf(service)) {
      for (const port of part.ports) {
        const id = JSON.stringify([port.name, port.protocol, port.port]);
        const known = ports.get(id) ?? { ...port, endpoints: [] };
        ports.set(id, known);
        for (const endpoint of part.endpoints) {
          for (const address of endpoint.addresses) {
            known.endpoints.push({ label: endpoint.hostname?.toLowerCase() ?? dashed(address), address });
          }
        }
      }
    }
    return [...ports.values()];
  }

  /** The address of a pod in the namespace, given with dashes; undefined when no pod has it. */
  podAddress(namespace: string, label: string): string | undefined {
    const keys = this.podNames.get(`${namespace}/${label}`);
    for (const key of keys ?? []) {
      const address = this.pods
        .get(key)
        ?.addresses.find((one) => dashed(canonicalAddress(one)) === label || dashed(one) === label);
      if (address !== undefined) return address;
    }
    return undefined;
  }

  /** Services with this address, or with an endpoint that has it. */
  servicesWith(address: string): readonly ServiceInput[] {
    const keys = [...(this.byAddress.get(address)?.keys() ?? [])].sort();
    return keys.flatMap((key) => this.services.get(key) ?? []);
  }

  private partsOf(service: ServiceInput): Iterable<EndpointsInput> {
    return this.endpoints.get(`${service.namespace}/${service.name}`)?.values() ?? [];
  }

  private countAddress(address: string, key: string, change: 1 | -1): void {
    const keys = this.byAddress.get(address) ?? new Map<string, number>();
    const count = (keys.get(key) ?? 0) + change;
    if (count > 0) keys.set(key, count);
    else keys.delete(key);
    if (keys.size > 0) this.byAddress.set(address, keys);
    else this.byAddress.delete(address);
  }
}

const addressesOf = (endpoints: readonly EndpointInput[]) => endpoints.flatMap(({ addresses }) => addresses);

function podNamesOf(pod: PodInput | undefined): string[] {
  if (!pod) return [];
  return pod.addresses.map((address) => `${pod.namespace}/${dashed(address)}`);
}

/** One spelling for each address, so that different spellings of an IPv6 address are equal. */
const canonicalEndpoint = (endpoint: EndpointInput): EndpointInput => ({
  ...endpoint,
  addresses: endpoint.addresses.map(canonicalAddress),
});
