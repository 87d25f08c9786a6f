// What a Service says about a packet to it: the port, the endpoints, and why there are none. Pure.
import {
  type EndpointSlice,
  endpointState,
  isLastResort,
  isReady,
  isTerminal,
  type Pod,
  type Service,
} from '../../controlplane/api';
import type { Hop, HopFault } from '../../controlplane/base/hops';
import type { Protocol } from './question';
import { faultHop } from './report';

export interface ServiceEnd {
  readonly address: string;
  readonly port: number;
  readonly node?: string;
  /** NAMESPACE/NAME, if a pod is behind it. */
  readonly pod?: string;
  readonly ready: boolean;
  /** It terminates, and still serves. */
  readonly lastResort?: true;
}

export const endText = ({ address, port }: { readonly address: string; readonly port?: number }): string =>
  `${address.includes(':') ? `[${address}]` : address}:${port}`;

export type ServicePort = NonNullable<NonNullable<Service['spec']>['ports']>[number];

export interface ServiceChoice {
  readonly hop: Hop;
  readonly port?: ServicePort;
  /** The endpoints that connections go to; empty where the hop stops. */
  readonly ends: readonly ServiceEnd[];
}

export interface ServiceObjects {
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  /** Of its namespace. */
  readonly pods: readonly Pod[];
  /** Workloads of its namespace; read only when no pod is selected. */
  readonly workloads?: readonly WorkloadFacts[];
}

export interface WorkloadFacts {
  /** `deployment`, `statefulset`. */
  readonly kind: string;
  readonly name: string;
  readonly replicas: number;
  /** Of its pod template. */
  readonly labels: Readonly<Record<string, string>>;
}

export const selectsPod = ({ spec }: Service, pods: readonly Pod[]): boolean =>
  pods.some((pod) => matches(pod, spec?.selector ?? {}) && !isTerminal(pod));

export const keyOf = ({ metadata }: { readonly metadata?: { readonly namespace?: string; readonly name?: string } }) =>
  `${metadata?.namespace}/${metadata?.name}`;

/** @param wanted number or name of the port; absent: the only one */
export function choosePort(
  { metadata, spec }: Service,
  wanted: { readonly port?: number | string; readonly protocol?: Protocol },
): ServicePort | HopFault {
  const ports = spec?.ports ?? [];
  const protocolOf = (port: ServicePort) => (port.protocol ?? 'TCP').toLowerCase();
  const matching = ports.filter(
    (port) =>
      (wanted.port === undefined || port.port === wanted.port || port.name === wanted.port) &&
      (wanted.protocol === undefined
        ? typeof wanted.port !== 'number' || protocolOf(port) === 'tcp'
        : protocolOf(port) === wanted.protocol),
  );
  const [first] = matching.sort((a, b) => Number(protocolOf(b) === 'tcp') - Number(protocolOf(a) === 'tcp'));
  if (
    first &&
    (wanted.port !== undefined || matching.length === 1 || new Set(matching.map(({ port }) => port)).size === 1)
  ) {
    return first;
  }
  const all = ports.map((port) => `${port.name ? `${port.name} ` : ''}${port.port}/${protocolOf(port)}`).join(', ');
  const key = keyOf({ metadata: metadata ?? {} });
  if (first) {
    return {
      code: 'PortNotNamed',
      message: `Service ${key} has several ports (${all}): name one`,
      remedy: `svc/${metadata?.name}:${first.port}`,
    };
  }
  // Without a word the protocol is TCP, unless the Service has one port alone.
  const other = ports.find(({ port }) => port === wanted.port);
  if (other && wanted.protocol === undefined) {
    const protocol = protocolOf(other);
    return {
      code: 'NoSuchPort',
      message: `Service ${key} has no TCP port ${wanted.port}; its ports: ${all}`,
      remedy: `ask for ${protocol === 'sctp' ? 'SCTP' : 'UDP'}, if that is meant: svc/${metadata?.name}:${other.port}/${protocol}`,
    };
  }
  const what = `${wanted.port ?? ''}${wanted.protocol ? `/${wanted.protocol}` : ''}`;
  return {
    code: 'NoSuchPort',
    message: `Service ${key} has no port ${what}; its ports: ${all || 'none'}`,
    remedy: `kubectl edit service -n ${metadata?.namespace} ${metadata?.name}`,
  };
}

export const isFault = (value: ServicePort | HopFault): value is HopFault => 'message' in value;

/** The endpoints behind one port, and the reason when there are none that take connections. */
export function chooseEnds(objects: ServiceObjects, port: ServicePort, family: 4 | 6): ServiceChoice {
  const { service, slices } = objects;
  const key = keyOf(service);
  const name = `Service ${key}${port.name ? `:${port.name}` : ''}`;
  const all = endsOf(slices, port, family);
  const whole = all.filter((end) => end.ready);
  // Without a ready one, those that terminate but still serve (KEP-1669).
  const ready = whole.length > 0 ? whole : all.filter((end) => end.lastResort);
  const facts = [
    `${service.spec?.clusterIP} port ${port.port} to ${targetOf(port)}`,
    ...(ready.length > 0 ? [`${ready.length} of ${all.length} endpoints ready`] : []),
    ...ready
      .slice(0, 5)
      .map(
        (end) => `${end.address}:${end.port}${end.pod ? `, pod ${end.pod}` : ''}${end.node ? ` on ${end.node}` : ''}`,
      ),
    ...(ready.length > 5 ? [`and ${ready.length - 5} more`] : []),
    ...policyFacts(service),
  ];
  const publishes = service.spec?.publishNotReadyAddresses === true;
  if (ready.length > 0) {
    const unready = publishes ? notReadyAmong(ready, objects.pods) : [];
    if (unready.length === 0) return { hop: { kind: 'choice', name, state: 'passes', facts }, port, ends: ready };
    const fault: HopFault = {
      code: 'NotReadyPublished',
      message: `Service ${key} also sends to pods that are not ready (publishNotReadyAddresses): ${unready.join(', ')}`,
      remedy: `kubectl patch service -n ${service.metadata?.namespace} ${service.metadata?.name} -p '{"spec":{"publishNotReadyAddresses":false}}'`,
    };
    return { hop: { kind: 'choice', name, state: 'doubtful', facts, fault }, port, ends: ready };
  }
  return { hop: faultHop('choice', name, whyNone(objects, { port, ends: all, family }), facts), port, ends: [] };
}

const targetOf = ({ targetPort, port }: ServicePort): string => `targetPort ${targetPort ?? port}`;

function policyFacts({ spec }: Service): readonly string[] {
  return [
    ...(spec?.internalTrafficPolicy === 'Local'
      ? ['internalTrafficPolicy Local: only endpoints of the sender’s node']
      : []),
    ...(spec?.externalTrafficPolicy === 'Local'
      ? ['externalTrafficPolicy Local: from outside only endpoints of the node that gets the packet']
      : []),
    ...(spec?.sessionAffinity === 'ClientIP' ? ['sessionAffinity ClientIP: a client stays with its endpoint'] : []),
  ];
}

function endsOf(slices: readonly EndpointSlice[], port: ServicePort, family: 4 | 6): readonly ServiceEnd[] {
  const found = new Map<string, ServiceEnd>();
  for (const slice of slices) {
    if (slice.addressType !== (family === 4 ? 'IPv4' : 'IPv6')) continue;
    const number = slice.ports?.find(
      (one) => (one.name ?? '') === (port.name ?? '') && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    )?.port;
    if (number === undefined) continue;
    for (const { addresses, conditions, nodeName, targetRef } of slice.endpoints ?? []) {
      const [address] = addresses;
      if (address === undefined) continue;
      const state = endpointState(conditions);
      const end: ServiceEnd = {
        address,
        port: number,
        ready: state.ready,
        ...(isLastResort(state) ? { lastResort: true as const } : {}),
        ...(nodeName ? { node: nodeName } : {}),
        ...(targetRef?.kind === 'Pod' ? { pod: `${targetRef.namespace}/${targetRef.name}` } : {}),
      };
      found.set(`${address}:${number}`, end);
    }
  }
  return [...found.values()];
}

const notReadyAmong = (ends: readonly ServiceEnd[], pods: readonly Pod[]): readonly string[] =>
  ends.flatMap(({ pod: key }) => {
    const pod = pods.find((one) => keyOf(one) === key);
    return pod && !isReady(pod) ? [key!] : [];
  });

function whyNone(
  { service, slices, pods, workloads = [] }: ServiceObjects,
  { port, ends, family }: { readonly port: ServicePort; readonly ends: readonly ServiceEnd[]; readonly family: 4 | 6 },
): HopFault {
  const { namespace, name } = service.metadata ?? {};
  const key = `${namespace}/${name}`;
  const selector = service.spec?.selector;
  const edit = `kubectl edit service -n ${namespace} ${name}`;
  if (!selector || Object.keys(selector).length === 0) {
    const misnamed = otherPortNames(slices, port);
    if (misnamed !== undefined) {
      const message = `EndpointSlice ${misnamed.slice} has no port named ${JSON.stringify(port.name ?? '')}, as Service ${key} calls it, but ${misnamed.names}: the names must be the same`;
      return { code: 'NoEndpoints', message, remedy: `kubectl edit endpointslice -n ${namespace} ${misnamed.slice}` };
    }
    const useless = unusable(slices, ends, family);
    if (useless !== undefined) {
      const message = `Service ${key} has no selector, and EndpointSlice ${useless.slice} ${useless.why}`;
      return { code: 'NoEndpoints', message, remedy: `kubectl edit endpointslice -n ${namespace} ${useless.slice}` };
    }
    const message = `Service ${key} has no selector, and no EndpointSlice with ready endpoints names it`;
    return {
      code: 'NoEndpoints',
      message,
      remedy: `create an EndpointSlice with the label kubernetes.io/service-name=${name}`,
    };
  }
  const text = Object.entries(selector)
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const matching = pods.filter((pod) => matches(pod, selector) && !isTerminal(pod));
  if (matching.length === 0) {
    const idle = workloads.find(
      ({ labels, replicas }) =>
        replicas === 0 && Object.entries(selector).every(([label, value]) => labels[label] === value),
    );
    if (idle) {
      const message = `${idle.kind} ${namespace}/${idle.name}, whose pods Service ${key} selects, is scaled to zero`;
      return {
        code: 'ScaledToZero',
        message,
        remedy: `kubectl scale -n ${namespace} ${idle.kind} ${idle.name} --replicas=1`,
      };
    }
    const ended = pods.find((pod) => matches(pod, selector));
    if (ended) {
      const { name: of } = ended.metadata ?? {};
      const message = `all pods that Service ${key} selects have ended: pod ${of} is in phase ${ended.status?.phase}`;
      return { code: 'NotReady', message, remedy: `kubectl describe pod -n ${namespace} ${of}` };
    }
    const near = nearest(pods, selector);
    const message = `no pod of namespace ${namespace} has the labels that Service ${key} selects (${text})${near ? `; ${near}` : ''}`;
    return {
      code: 'SelectorMatchesNothing',
      message,
      remedy: edit,
    };
  }
  const readyPods = matching.filter((pod) => isReady(pod) && !pod.metadata?.deletionTimestamp);
  if (readyPods.length === 0) {
    const [first] = matching;
    const message = `no pod of Service ${key} is ready (${matching.length} selected); pod ${first?.metadata?.name}: ${whyNotReady(first!)}`;
    return { code: 'NotReady', message, remedy: `kubectl describe pod -n ${namespace} ${first?.metadata?.name}` };
  }
  if (typeof port.targetPort === 'string' && ends.length === 0 && !hasNamedPort(readyPods, port)) {
    const names = [...new Set(readyPods.flatMap((pod) => namedPorts(pod)))].join(', ');
    const message = `Service ${key} leads to the ${port.protocol ?? 'TCP'} port named ${JSON.stringify(port.targetPort)}, which no container of its pods has; they have ${names || 'no named port'}`;
    return { code: 'NamedPortMissing', message, remedy: edit };
  }
  const behind = slices.length === 0 ? 'no EndpointSlice exists yet' : 'its EndpointSlices do not have them yet';
  const message = `${readyPods.length} pods of Service ${key} are ready, but ${behind}: the controllers are behind or do not run`;
  return {
    code: 'SlicesBehind',
    message,
    remedy: 'see whether kube-controller-manager (the server’s controllers) runs',
  };
}

/** Of a slice that has endpoints, none of which can be used. */
function unusable(slices: readonly EndpointSlice[], ends: readonly ServiceEnd[], family: 4 | 6) {
  const [first, ...more] = slices.filter(({ endpoints = [] }) => endpoints.length > 0);
  if (first === undefined) return undefined;
  const slice = first.metadata?.name ?? '';
  if (ends.length > 0) return { slice, why: `says of all its endpoints that they are not ready (conditions.ready)` };
  const isOther = [first, ...more].every(({ addressType }) => addressType !== `IPv${family}`);
  return isOther ? { slice, why: `has addresses of ${first.addressType}, and clients ask by IPv${family}` } : undefined;
}

/** Of a slice that has the port under other names: written by hand, most often. */
function otherPortNames(slices: readonly EndpointSlice[], { name = '', protocol = 'TCP' }: ServicePort) {
  const slice = slices.find(
    ({ ports = [], endpoints = [] }) =>
      endpoints.length > 0 &&
      ports.length > 0 &&
      !ports.some((port) => (port.name ?? '') === name && (port.protocol ?? 'TCP') === protocol),
  );
  if (slice === undefined) return undefined;
  const names = (slice.ports ?? []).map((port) => `${JSON.stringify(port.name ?? '')} (${port.protocol ?? 'TCP'})`);
  return { slice: slice.metadata?.name ?? '', names: names.join(', ') };
}

const matches = ({ metadata }: Pod, selector: Readonly<Record<string, string>>): boolean =>
  Object.entries(selector).every(([label, value]) => metadata?.labels?.[label] === value);

/** The pod that has most of the labels, and what it has instead. */
function nearest(pods: readonly Pod[], selector: Readonly<Record<string, string>>): string | undefined {
  const score = ({ metadata }: Pod) =>
    Object.entries(selector).reduce((sum, [label, value]) => {
      const has = metadata?.labels?.[label];
      return sum + (has === value ? 2 : has === undefined ? 0 : 1);
    }, 0);
  const best = pods.filter((pod) => score(pod) > 0 && !isTerminal(pod)).sort((a, b) => score(b) - score(a))[0];
  if (!best) return undefined;
  const differs = Object.entries(selector).flatMap(([label, value]) => {
    const has = best.metadata?.labels?.[label];
    return has === value ? [] : [has === undefined ? `no label ${label}` : `${label}=${has}`];
  });
  return `pod ${best.metadata?.name} has ${differs.join(', ')}`;
}

/** `http (TCP)` */
const namedPorts = ({ spec }: Pod): string[] =>
  (spec?.containers ?? []).flatMap(({ ports = [] }) =>
    ports.flatMap(({ name, protocol = 'TCP' }) => (name ? [`${name} (${protocol})`] : [])),
  );
const hasNamedPort = (pods: readonly Pod[], { targetPort, protocol = 'TCP' }: ServicePort): boolean =>
  pods.some((pod) => namedPorts(pod).includes(`${targetPort} (${protocol})`));

export function whyNotReady(pod: Pod): string {
  const { metadata, spec, status } = pod;
  if (metadata?.deletionTimestamp) return 'it is being deleted';
  if (!spec?.nodeName) {
    const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    return `it has no node yet${scheduled?.message ? `: ${scheduled.message}` : ''}`;
  }
  const init = (status?.initContainerStatuses ?? []).find(({ state }) => state?.terminated?.exitCode !== 0);
  const isSidecar = spec.initContainers?.find(({ name }) => name === init?.name)?.restartPolicy === 'Always';
  if (init && !(isSidecar && init.started)) {
    const { waiting, terminated } = init.state ?? {};
    const how = waiting
      ? `waits: ${waiting.reason}${waiting.message ? ` (${waiting.message})` : ''}`
      : terminated
        ? `has ended with exit code ${terminated.exitCode}`
        : 'still runs';
    return `init container ${init.name} ${how}`;
  }
  for (const container of status?.containerStatuses ?? []) {
    const { waiting, terminated } = container.state ?? {};
    if (waiting)
      return `container ${container.name} waits: ${waiting.reason}${waiting.message ? ` (${waiting.message})` : ''}`;
    if (terminated) return `container ${container.name} has ended with exit code ${terminated.exitCode}`;
    if (!container.ready) {
      const { startupProbe } = spec.containers.find(({ name }) => name === container.name) ?? {};
      const probe = startupProbe && container.started !== true ? 'startup' : 'readiness';
      return `container ${container.name} runs, but its ${probe} probe does not succeed`;
    }
  }
  const open = spec.readinessGates?.find(
    ({ conditionType }) =>
      !status?.conditions?.some(({ type, status: value }) => type === conditionType && value === 'True'),
  );
  if (open) {
    return `its containers are ready, but readiness gate ${open.conditionType} is not True: the controller that sets this condition has not`;
  }
  const gate = status?.conditions?.find(({ type, status: value }) => type !== 'Ready' && value === 'False');
  if (status?.phase === 'Running' && !gate && !isReady(pod)) {
    return `its containers were ready, and its condition Ready is not True: node ${spec.nodeName} may be down (kubectl get node ${spec.nodeName})`;
  }
  return gate
    ? `condition ${gate.type} is False${gate.message ? `: ${gate.message}` : ''}`
    : `phase ${status?.phase ?? 'unknown'}`;
}
