// The text of a pod's /etc/resolv.conf by dnsPolicy and dnsConfig. Pure. Source: kubernetes.io "DNS for Services and Pods".
import type { Pod } from '../../../controlplane/api';

export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}
export interface ClusterDns {
  readonly address: string;
  readonly domain: string;
}

// Kubernetes keeps to the limits of glibc 2.26 and later.
const maxNameservers = 3;
const maxSearches = 32;
const maxSearchLength = 2048;

export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  let searches: string[] = [];
  const options: string[] = [];
  for (const line of text.split('\n')) {
    const [word = '', ...rest] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/);
    if (word === 'nameserver' && rest[0]) nameservers.push(rest[0]);
    if (word === 'search') searches = rest.map((name) => (name === '.' ? '.' : name.replace(/\.$/, '')));
    if (word === 'options') options.push(...rest);
  }
  return { nameservers, searches, options };
}

/** The pod's configuration; `host` is the node's own. */
export function podResolvConf(pod: Pod, dns: ClusterDns, host: ResolvConf): ResolvConf {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork } = pod.spec ?? {};
  const cluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork);
  let base: ResolvConf = host;
  if (dnsPolicy === 'None') base = { nameservers: [], searches: [], options: [] };
  else if (cluster) {
    const suffixes = [`${pod.metadata?.namespace}.svc.${dns.domain}`, `svc.${dns.domain}`, dns.domain];
    base = {
      nameservers: [dns.address],
      searches: unique([...suffixes, ...host.searches]),
      options: ['ndots:5'],
    };
  }
  return limit({
    nameservers: unique([...base.nameservers, ...(dnsConfig?.nameservers ?? [])]),
    searches: unique([...base.searches, ...(dnsConfig?.searches ?? [])]),
    options: mergeOptions(base.options, dnsConfig?.options ?? []),
  });
}

function mergeOptions(base: readonly string[], extra: readonly { name?: string; value?: string }[]): string[] {
  const merged = new Map(base.map((option) => [option.split(':')[0]!, option]));
  for (const { name = '', value } of extra) merged.set(name, value ? `${name}:${value}` : name);
  return [...merged.values()];
}

function limit(conf: ResolvConf): ResolvConf {
  const searches: string[] = [];
  for (const search of conf.searches.slice(0, maxSearches)) {
    if ([...searches, search].join(' ').length > maxSearchLength) break;
    searches.push(search);
  }
  return { ...conf, nameservers: conf.nameservers.slice(0, maxNameservers), searches };
}

const unique = (items: readonly string[]): string[] => [...new Set(items)];

export function renderResolvConf({ nameservers, searches, options }: ResolvConf): string {
  const lines = nameservers.map((address) => `nameserver ${address}\n`);
  if (searches.length > 0) lines.unshift(`search ${searches.join(' ')}\n`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}\n`);
  return lines.join('');
}
