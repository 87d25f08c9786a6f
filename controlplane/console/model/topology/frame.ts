// One moment of the topology: what is drawn. Pure; the page keeps some minutes of them.
import { type Box, type DeclaredLink, entryId, plainKinds, type Structure } from './boxes';
import type { PodRates } from './pod-rates';
import type { Refused } from './refused';
import type { Remark } from './remarks';
import type { RequestLink, RequestRates } from './requests';
import { type Stop, type TrafficLink, together } from './traffic';

export interface Link {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  /** Present: objects say that packets go this way. */
  readonly declared?: DeclaredLink;
  /** Present: connections were seen. */
  readonly traffic?: TrafficLink;
  /** Present: requests through an Ingress have come. */
  readonly requests?: RequestRates;
  /** Packets a second that policies drop on this way; 0: they have dropped some before. */
  readonly refusedPerSecond?: number;
}

export interface Frame {
  readonly atMs: number;
  readonly boxes: readonly Box[];
  readonly links: readonly Link[];
  readonly stops: readonly Stop[];
  readonly refused: readonly Refused[];
  readonly podRates: ReadonlyMap<string, PodRates>;
  /** Boxes that are not drawn, because there are too many. */
  readonly omitted: number;
}

export interface FrameInput {
  readonly atMs: number;
  readonly structure: Structure;
  readonly traffic: readonly TrafficLink[];
  readonly requests: readonly RequestLink[];
  readonly stops: readonly Stop[];
  /** False: rates of `stops` are not known yet. */
  readonly areStopsKnown: boolean;
  readonly refused: readonly Refused[];
  /** By NAMESPACE/NAME. */
  readonly podRates: ReadonlyMap<string, PodRates>;
  readonly remarks: readonly Remark[];
}
export interface Scope {
  /** '' for all. Boxes of other namespaces are drawn when they talk with one of this namespace. */
  readonly namespace: string;
  /** Traffic of the cluster itself: between nodes, with the control plane, probes of pods, and what proxies of Ingresses forward. */
  readonly withSystem: boolean;
  readonly maxBoxes: number;
  /** Drawn before others: what the reader searches for. */
  readonly first: ReadonlySet<string>;
}

export function frameOf(input: FrameInput, scope: Scope): Frame {
  const { structure, requests, stops, refused } = input;
  const traffic = input.traffic.filter(({ isOwn }) => scope.withSystem || !isOwn);
  const byId = new Map(structure.boxes.map((box) => [box.id, box]));
  const links = joined({ declared: structure.links, traffic, requests, refused }).filter(
    ({ from, to }) => byId.has(from) && byId.has(to) && (scope.withSystem || !isSystem(byId, from, to)),
  );
  const talking = new Set(traffic.flatMap(({ from, to }) => [from, to]));
  const isInScope = ({ id, namespace, isEnded }: Box) =>
    namespace !== '' && [namespace, ''].includes(scope.namespace) && (!isEnded || talking.has(id));
  const wanted = new Set(structure.boxes.filter(isInScope).map(({ id }) => id));
  // Requests for the Ingresses of a namespace come in by the entry.
  if (links.some(({ from, to }) => from === entryId && wanted.has(to))) wanted.add(entryId);
  const touched = links.filter(({ from, to }) => wanted.has(from) || wanted.has(to));
  const shown = new Set([...wanted, ...touched.flatMap(({ from, to }) => [from, to])]);
  for (const { box, packetsPerSecond } of stops) {
    if (packetsPerSecond > 0 && byId.get(box)?.kind === 'node') shown.add(box);
  }
  const drawn = mostTalkative([...shown], touched, byId, scope);
  return {
    atMs: input.atMs,
    boxes: structure.boxes.filter(({ id }) => drawn.has(id)),
    links: touched.filter(({ from, to }) => drawn.has(from) && drawn.has(to)),
    stops: stops.filter(({ box }) => drawn.has(box)),
    refused: refused.filter(({ from, to }) => drawn.has(from) && drawn.has(to)),
    podRates: input.podRates,
    omitted: shown.size - drawn.size,
  };
}

/** Kubelets, agents and servers among themselves, and clients of the control plane from outside. */
function isSystem(byId: ReadonlyMap<string, Box>, from: string, to: string): boolean {
  const ends = [byId.get(from)!.kind, byId.get(to)!.kind];
  return ends.every((kind) => kind === 'node' || kind === 'outside' || kind === 'elsewhere');
}

function joined({
  declared,
  traffic,
  requests,
  refused,
}: Pick<FrameInput, 'traffic' | 'requests' | 'refused'> & {
  readonly declared: readonly DeclaredLink[];
}): readonly Link[] {
  const links = new Map<string, Link>();
  for (const one of declared) {
    const id = `${one.from} ${one.to}`;
    links.set(id, { id, from: one.from, to: one.to, declared: one });
  }
  for (const one of traffic) {
    const id = `${one.from} ${one.to}`;
    const known = links.get(id) ?? { id, from: one.from, to: one.to };
    links.set(id, { ...known, traffic: known.traffic ? together(known.traffic, one) : one });
  }
  for (const { from, to, ...rates } of requests) {
    const id = `${from} ${to}`;
    links.set(id, { ...(links.get(id) ?? { id, from, to }), requests: rates });
  }
  for (const { from, to, via, by, packetsPerSecond } of refused) {
    // Connections without an answer are traffic already.
    if (by === 'silence') continue;
    const ways =
      via === undefined
        ? [[from, to]]
        : [
            [from, via],
            [via, to],
          ];
    for (const [start = '', end = ''] of ways) {
      const id = `${start} ${end}`;
      const known = links.get(id) ?? { id, from: start, to: end };
      links.set(id, { ...known, refusedPerSecond: (known.refusedPerSecond ?? 0) + packetsPerSecond });
    }
  }
  return [...links.values()];
}

/**
 * All of them, or as many as fit: first what is searched for and what has traffic, then workloads with a Service that leads to each of them, then
 * the rest. A Service has more links than the pods behind it, so links alone would leave out the pods.
 */
function mostTalkative(
  ids: readonly string[],
  links: readonly Link[],
  byId: ReadonlyMap<string, Box>,
  { maxBoxes: max, first }: Scope,
): ReadonlySet<string> {
  if (ids.length <= max) return new Set(ids);
  const weight = new Map<string, number>();
  const servicesOf = new Map<string, string[]>();
  const add = (id: string, by: number) => weight.set(id, (weight.get(id) ?? 0) + by);
  for (const { from, to, traffic, requests } of links) {
    const by = traffic || requests ? 100 : 1;
    add(from, by);
    add(to, by);
    if (byId.get(from)?.kind === 'service') servicesOf.set(to, [...(servicesOf.get(to) ?? []), from]);
  }
  for (const id of first) add(id, 1_000_000);
  const weightOf = (id: string) => weight.get(id) ?? 0;
  const isWorkload = (id: string) => byId.get(id)?.kind === 'workload';
  const rank = (id: string) => (weightOf(id) >= 100 ? 2 : isWorkload(id) ? 1 : 0);
  const ordered = [...ids].sort((a, b) => rank(b) - rank(a) || weightOf(b) - weightOf(a));
  const drawn = new Set<string>();
  for (const id of ordered) {
    if (drawn.size >= max) break;
    drawn.add(id);
    const services = servicesOf.get(id) ?? [];
    const [service] = [...services].sort((a, b) => weightOf(b) - weightOf(a));
    const hasOne = services.some((one) => drawn.has(one));
    if (isWorkload(id) && service !== undefined && !hasOne && drawn.size < max) drawn.add(service);
  }
  return drawn;
}

/** A box whose name, object or address contains the words; one without an object never does. */
export function matches({ kind, name, namespace, type, facts, pods }: Box, words: string): boolean {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0 || plainKinds.has(kind)) return false;
  const text = [
    name,
    namespace,
    `${namespace}/${name}`,
    type,
    ...facts,
    ...pods.flatMap((pod) => [pod.name, ...pod.addresses]),
  ]
    .join(' ')
    .toLowerCase();
  return wanted.every((word) => text.includes(word));
}
