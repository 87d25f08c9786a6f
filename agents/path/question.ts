// What `k8ts path` is asked: texts to references of sender and destination. Pure.
import { isIP } from 'node:net';
import { BadRequest } from '../../controlplane/base/errors';

export type From =
  | { readonly kind: 'pod'; readonly namespace: string; readonly name: string }
  /** Its first running pod. */
  | { readonly kind: 'workload'; readonly resource: Workload; readonly namespace: string; readonly name: string }
  | { readonly kind: 'node'; readonly name: string }
  /** A machine that is no node; without an address the machine on which the command runs. */
  | { readonly kind: 'outside'; readonly address?: string };

const protocols = ['tcp', 'udp', 'sctp', 'icmp'] as const;
export type Protocol = (typeof protocols)[number];

export interface PortOf {
  /** A number, or the name of a port. */
  readonly port?: number | string;
  readonly protocol?: Protocol;
}

export type To =
  | ({ readonly kind: 'service'; readonly namespace: string; readonly name: string } & PortOf)
  | ({ readonly kind: 'pod'; readonly namespace: string; readonly name: string } & PortOf)
  | ({ readonly kind: 'node'; readonly name: string } & PortOf)
  | ({ readonly kind: 'address'; readonly address: string } & PortOf)
  | ({ readonly kind: 'name'; readonly name: string } & PortOf)
  | {
      readonly kind: 'url';
      readonly scheme: 'http' | 'https';
      /** A name or an address. */
      readonly host: string;
      readonly port: number;
      readonly path: string;
    };

export const workloads = ['deployments', 'statefulsets', 'daemonsets', 'replicasets', 'jobs'] as const;
export type Workload = (typeof workloads)[number];

/** Names of kinds as kubectl takes them. */
const kinds: Readonly<Record<string, 'pod' | 'service' | 'node' | Workload>> = {
  pod: 'pod',
  pods: 'pod',
  po: 'pod',
  service: 'service',
  services: 'service',
  svc: 'service',
  node: 'node',
  nodes: 'node',
  no: 'node',
  deployment: 'deployments',
  deployments: 'deployments',
  deploy: 'deployments',
  statefulset: 'statefulsets',
  statefulsets: 'statefulsets',
  sts: 'statefulsets',
  daemonset: 'daemonsets',
  daemonsets: 'daemonsets',
  ds: 'daemonsets',
  replicaset: 'replicasets',
  replicasets: 'replicasets',
  rs: 'replicasets',
  job: 'jobs',
  jobs: 'jobs',
};

const label = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

/** @param namespace of names without one. @throws BadRequest that says which forms there are */
export function readFrom(text: string, namespace: string): From {
  if (text === 'outside') return { kind: 'outside' };
  if (isIP(text) !== 0) return { kind: 'outside', address: text };
  const found = reference(text, namespace);
  if (found === undefined || found.kind === 'service') {
    throw new BadRequest(
      `${JSON.stringify(text)} is no sender: expected pod/NAME, NAMESPACE/POD, deploy/NAME, node/NAME, an address, or outside`,
    );
  }
  const { kind, name } = found;
  if (kind === 'node') return { kind, name };
  return kind === 'pod'
    ? { kind, namespace: found.namespace, name }
    : { kind: 'workload', resource: kind, namespace: found.namespace, name };
}

/** @throws BadRequest likewise */
export function readTo(text: string, namespace: string): To {
  if (/^https?:\/\//i.test(text)) return readUrl(text);
  const { target, port, protocol } = splitTarget(text);
  const portOf: PortOf = {
    ...(port === undefined ? {} : { port: readPort(port, text) }),
    ...(protocol === undefined ? {} : { protocol }),
  };
  if (isIP(target) !== 0) return { kind: 'address', address: target, ...portOf };
  const found = target.includes('/') ? reference(target, namespace) : undefined;
  if (found && (found.kind === 'pod' || found.kind === 'service')) {
    return { kind: found.kind, namespace: found.namespace, name: found.name, ...portOf };
  }
  if (found?.kind === 'node') return { kind: 'node', name: found.name, ...portOf };
  if (found !== undefined || target.includes('/') || !/^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(target)) {
    throw noDestination(text);
  }
  // RFC 1035: labels have 1 to 63 characters, a name 253.
  const labels = target.replace(/\.$/, '').split('.');
  if (target.length > 254 || labels.some((one) => one === '' || one.length > 63))
    throw noDestination(text.slice(0, 300));
  return { kind: 'name', name: target.toLowerCase(), ...portOf };
}

/** TARGET[:PORT][/PROTOCOL], and an IPv6 address with a port in brackets. @throws BadRequest */
function splitTarget(text: string): { readonly target: string; readonly port?: string; readonly protocol?: Protocol } {
  const end = text.lastIndexOf('/');
  const before = text.slice(0, Math.max(0, end));
  const word = text.slice(end + 1).toLowerCase();
  // A Service or pod may be named udp: only after a port or an address it is a protocol.
  const named = (before.includes(':') || isIP(before) !== 0) && protocols.find((one) => one === word);
  const rest = named ? before : text;
  const protocol = named ? { protocol: named } : {};
  if (isIP(rest) !== 0) return { target: rest, ...protocol };
  const [, brackets, afterBrackets] = /^\[([^\]]*)\]:(.+)$/.exec(rest) ?? [];
  if (brackets !== undefined && isIP(brackets) === 6)
    return { target: brackets, port: portText(afterBrackets!, text), ...protocol };
  const at = rest.indexOf(':');
  if (at < 0) return { target: rest, ...protocol };
  return { target: rest.slice(0, at), port: portText(rest.slice(at + 1), text), ...protocol };
}

function portText(port: string, whole: string): string {
  if (!/^[a-z0-9-]+$/i.test(port)) throw noDestination(whole);
  return port;
}

const noDestination = (text: string): BadRequest =>
  new BadRequest(
    `${JSON.stringify(text)} is no destination: expected svc/NAME[:PORT], pod/NAME:PORT, node/NAME:PORT, ADDRESS[:PORT], DNS-NAME[:PORT], each with /udp if it is not TCP, or a URL`,
  );

function readPort(text: string, whole: string): number | string {
  if (!/^\d+$/.test(text)) return text;
  const port = Number(text);
  if (port < 1 || port > 65_535) throw new BadRequest(`${whole}: ${text} is no port`);
  return port;
}

function readUrl(text: string): To {
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new BadRequest(`${JSON.stringify(text)} is no URL`, { cause });
  }
  const scheme = url.protocol === 'https:' ? 'https' : 'http';
  const port = url.port === '' ? (scheme === 'https' ? 443 : 80) : Number(url.port);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return { kind: 'url', scheme, host, port, path: `${url.pathname}${url.search}` };
}

interface Reference {
  readonly kind: 'pod' | 'service' | 'node' | Workload;
  readonly namespace: string;
  readonly name: string;
}

/** pod/NAME, pod/NAMESPACE/NAME, NAMESPACE/POD; NAME alone is a pod. */
function reference(text: string, namespace: string): Reference | undefined {
  const parts = text.split('/');
  if (parts.length > 3 || parts.some((part) => !label.test(part))) return undefined;
  const [first = '', second, third] = parts;
  if (second === undefined) return { kind: 'pod', namespace, name: first };
  const kind = Object.hasOwn(kinds, first) ? kinds[first] : undefined;
  if (third !== undefined) return kind && { kind, namespace: second, name: third };
  return kind === undefined ? { kind: 'pod', namespace: first, name: second } : { kind, namespace, name: second };
}
