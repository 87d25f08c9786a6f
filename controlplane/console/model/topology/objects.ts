// The objects of which the topology is made, with the fields that it reads. The server has checked them; a field that a user may leave
// out is optional.
import type { KubeObject, Metadata } from '../objects';
import type { ResourceRef } from '../routes';

interface ProbePort {
  readonly port?: number | string;
}
interface Probe {
  readonly httpGet?: ProbePort;
  readonly tcpSocket?: ProbePort;
  readonly grpc?: ProbePort;
}
interface Container {
  readonly ports?: readonly { readonly name?: string; readonly containerPort?: number }[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}
export interface Pod extends KubeObject {
  readonly spec?: {
    readonly nodeName?: string;
    readonly hostNetwork?: boolean;
    readonly containers?: readonly Container[];
  };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly podIPs?: readonly { readonly ip?: string }[];
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
  };
}
export interface ReplicaSet extends KubeObject {
  readonly spec?: { readonly template?: { readonly metadata?: Metadata } };
}
export interface Service extends KubeObject {
  readonly spec?: {
    readonly selector?: Readonly<Record<string, string>>;
    readonly type?: string;
    readonly clusterIPs?: readonly string[];
    readonly clusterIP?: string;
    readonly externalIPs?: readonly string[];
    readonly ports?: readonly { readonly name?: string; readonly port?: number; readonly nodePort?: number }[];
  };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}
export interface EndpointSlice extends KubeObject {
  readonly endpoints?: readonly {
    readonly addresses?: readonly string[];
    readonly conditions?: { readonly ready?: boolean };
    readonly targetRef?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
  }[];
}
interface IngressBackend {
  readonly service?: { readonly name?: string };
}
export interface Ingress extends KubeObject {
  readonly spec?: {
    readonly defaultBackend?: IngressBackend;
    readonly rules?: readonly {
      readonly host?: string;
      readonly http?: { readonly paths?: readonly { readonly backend?: IngressBackend }[] };
    }[];
  };
}
export interface NetworkPolicy extends KubeObject {
  readonly spec?: { readonly podSelector?: LabelSelector; readonly policyTypes?: readonly string[] };
}
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key?: string;
    readonly operator?: string;
    readonly values?: readonly string[];
  }[];
}
export interface Node extends KubeObject {
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] };
  readonly status?: {
    readonly addresses?: readonly { readonly type?: string; readonly address?: string }[];
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
  };
}

/** Everything that the topology is drawn from. A list is another array after each change of its kind, so a reader can compare by identity. */
export interface ClusterObjects {
  readonly pods: readonly Pod[];
  /** For revisions of Deployments. */
  readonly replicaSets: readonly ReplicaSet[];
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly ingresses: readonly Ingress[];
  readonly policies: readonly NetworkPolicy[];
  readonly nodes: readonly Node[];
}
export const noObjects: ClusterObjects = {
  pods: [],
  replicaSets: [],
  services: [],
  slices: [],
  ingresses: [],
  policies: [],
  nodes: [],
};

/** Where the API has each of them. */
export const refs = {
  pods: { group: '', version: 'v1', plural: 'pods' },
  replicaSets: { group: 'apps', version: 'v1', plural: 'replicasets' },
  services: { group: '', version: 'v1', plural: 'services' },
  slices: { group: 'discovery.k8s.io', version: 'v1', plural: 'endpointslices' },
  ingresses: { group: 'networking.k8s.io', version: 'v1', plural: 'ingresses' },
  policies: { group: 'networking.k8s.io', version: 'v1', plural: 'networkpolicies' },
  nodes: { group: '', version: 'v1', plural: 'nodes' },
} as const satisfies Record<keyof ClusterObjects, ResourceRef>;

export const keyOf = ({ metadata }: { readonly metadata?: Metadata }): string =>
  `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;

export const addressesOf = ({ status }: Pod): readonly string[] => {
  const all = (status?.podIPs ?? []).flatMap(({ ip }) => ip ?? []);
  return all.length > 0 ? all : status?.podIP ? [status.podIP] : [];
};

/** Ports of the pod at which the kubelet of its node looks whether it is alive. */
export const probedPorts = ({ spec }: Pod): readonly number[] =>
  (spec?.containers ?? []).flatMap(({ ports = [], livenessProbe, readinessProbe, startupProbe }) =>
    [livenessProbe, readinessProbe, startupProbe].flatMap((probe) => {
      const { port } = probe?.httpGet ?? probe?.tcpSocket ?? probe?.grpc ?? {};
      return typeof port === 'string' ? (ports.find(({ name }) => name === port)?.containerPort ?? []) : (port ?? []);
    }),
  );

/** By which clients call it. */
export function addressesOfService({ spec, status }: Service): readonly string[] {
  const cluster = spec?.clusterIPs ?? (spec?.clusterIP ? [spec.clusterIP] : []);
  const outer = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  return [...cluster, ...(spec?.externalIPs ?? []), ...outer].filter((address) => address !== 'None' && address !== '');
}

/** Has ended: it has no address and no network any more. */
export const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

export const isTrue = (
  conditions: readonly { readonly type?: string; readonly status?: string }[] | undefined,
  type: string,
): boolean => conditions?.some((one) => one.type === type && one.status === 'True') === true;

/** What the API's selectors mean: see "Labels and Selectors" of the Kubernetes concepts. An empty selector selects everything. */
export function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>> = {}): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const hasLabels = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return (
    hasLabels &&
    matchExpressions.every(({ key = '', operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      return operator === 'Exists' ? value !== undefined : value === undefined;
    })
  );
}
