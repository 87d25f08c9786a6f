// The text of a pod's /etc/hosts. Pure. Source: kubernetes.io "Adding entries to Pod /etc/hosts with HostAliases".
import type { Pod } from '../../../controlplane/api';
import { BadRequest } from '../../../controlplane/base/errors';

export interface HostsInput {
  /** One line for each. */
  readonly podIps: readonly string[];
  readonly hostname: string;
  /** Domain of a pod with a subdomain: subdomain.ns.svc.cluster.local; '' without. */
  readonly domain: string;
  readonly aliases: NonNullable<NonNullable<Pod['spec']>['hostAliases']>;
}

export function renderHosts({ podIps, hostname, domain, aliases }: HostsInput): string {
  const names = domain === '' ? hostname : `${hostname}.${domain}\t${hostname}`;
  return (
    [
      '# Kubernetes-managed hosts file.',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      'fe00::0\tip6-localnet',
      'fe00::0\tip6-mcastprefix',
      'fe00::1\tip6-allnodes',
      'fe00::2\tip6-allrouters',
      ...podIps.map((ip) => `${ip}\t${names}`),
      '',
    ].join('\n') + renderAliases(aliases)
  );
}

/** A pod on the host's network sees the host's own names. */
export function renderHostNetworkHosts(hostFile: string, aliases: HostsInput['aliases']): string {
  return `# Kubernetes-managed hosts file (host network).\n${hostFile}${renderAliases(aliases)}`;
}

function renderAliases(aliases: HostsInput['aliases']): string {
  if (aliases.length === 0) return '';
  const lines = aliases.map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}`);
  return `\n# Entries added by HostAliases.\n${lines.join('\n')}\n`;
}

const maxHostnameLength = 63;

/** Of utsname's field nodename. */
const maxKernelHostnameLength = 64;

/** The short host name of the pod, cut to the length that kernel and DNS allow. */
export function podHostname(pod: Pod): string {
  const { hostnameOverride, hostname } = pod.spec ?? {};
  const wanted = hostnameOverride ?? hostname ?? pod.metadata?.name ?? '';
  return wanted.slice(0, maxHostnameLength).replace(/[-.]+$/, '');
}

export function podDomain(pod: Pod, clusterDomain: string): string {
  const { subdomain, hostnameOverride } = pod.spec ?? {};
  return subdomain && hostnameOverride === undefined
    ? `${subdomain}.${pod.metadata?.namespace}.svc.${clusterDomain}`
    : '';
}

/** The host name that the kernel shows in the pod. @throws BadRequest with upstream's message when it is too long as an FQDN */
export function kernelHostname(pod: Pod, clusterDomain: string): string {
  const hostname = podHostname(pod);
  const domain = podDomain(pod, clusterDomain);
  if (domain === '' || !pod.spec?.setHostnameAsFQDN) return hostname;
  const fqdn = `${hostname}.${domain}`;
  if (fqdn.length <= maxKernelHostnameLength) return fqdn;
  throw new BadRequest(
    `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long ` +
      `(${maxKernelHostnameLength} characters is the max, ${fqdn.length} characters requested)`,
  );
}
