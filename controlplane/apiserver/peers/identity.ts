// The Lease by which an API server says that it lives, and where it is reached. KEP-1965 (API server identity). Pure.
import { createHash } from 'node:crypto';
import type { Lease } from '../../api/lease';
import { formatMicroTime } from '../../base/clock';

export const identityNamespace = 'kube-system';
export const identityLabel = 'apiserver.kubernetes.io/identity';
export const serverIdentity = 'kube-apiserver';
const hostnameLabel = 'kubernetes.io/hostname';
/** The address of `--advertise-address`; absent for a server that only its own machine reaches. */
export const addressAnnotation = 'k8ts.io/advertise-address';
/** As upstream: after an hour without renewal any server removes the Lease. */
const leaseDurationSeconds = 3_600;

export interface ServerIdentity {
  readonly hostname: string;
  readonly advertiseAddress: string;
  /** New for each start of the process. */
  readonly instance: string;
}

/**
 * The same after a restart, and unique in the cluster. Upstream hashes the hostname alone; here servers may share one, as those of a local
 * cluster do, so the address is hashed with it.
 */
export function leaseName({ hostname, advertiseAddress }: ServerIdentity): string {
  const hash = createHash('sha256').update(`${hostname}\n${advertiseAddress}`).digest();
  return `apiserver-${base32(hash.subarray(0, 16))}`;
}

/** What the Lease of this server is; of `found` stays what others wrote. */
export function identityLease(identity: ServerIdentity, nowMs: number, found?: Lease): Lease {
  const { hostname, advertiseAddress, instance } = identity;
  const name = leaseName(identity);
  const { [addressAnnotation]: _, ...annotations } = found?.metadata?.annotations ?? {};
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...found?.metadata,
      name,
      namespace: identityNamespace,
      labels: {
        ...found?.metadata?.labels,
        [identityLabel]: serverIdentity,
        ...(isLabelValue(hostname) ? { [hostnameLabel]: hostname } : {}),
      },
      annotations: isLoopback(advertiseAddress)
        ? annotations
        : { ...annotations, [addressAnnotation]: advertiseAddress },
    },
    spec: {
      ...found?.spec,
      holderIdentity: `${name}_${instance}`,
      leaseDurationSeconds,
      renewTime: formatMicroTime(nowMs),
    },
  };
}

/** Endpoints may not be loopback addresses; pods cannot reach such a server anyway. */
export const isLoopback = (address: string): boolean => /^(?:127\.|::1$)/.test(address);

/** Whether the Lease is one of an API server. */
export const isIdentityLease = ({ metadata }: Lease): boolean =>
  metadata?.namespace === identityNamespace && metadata.labels?.[identityLabel] === serverIdentity;

/** By the clock of the server that wrote it: an hour is longer than clocks differ. */
export function isExpired({ spec }: Lease, nowMs: number): boolean {
  const renewedMs = Date.parse(String(spec?.renewTime ?? ''));
  return !(renewedMs + (spec?.leaseDurationSeconds ?? leaseDurationSeconds) * 1000 >= nowMs);
}

const isLabelValue = (text: string): boolean =>
  text.length <= 63 && /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(text);

/** RFC 4648 without padding, in lower case. */
function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((group) => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(group.padEnd(5, '0'), 2)])
    .join('');
}
