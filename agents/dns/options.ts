// Options of `k8ts dns`.
import { isIP } from 'node:net';
import { parseCidr } from '../../controlplane/base/cidr';
import { BadRequest } from '../../controlplane/base/errors';
import { type OptionTable, parseInteger, parseList, parseText } from '../../controlplane/process/options';
import type { UpstreamAddress } from '../../dataplane/dns/upstream';

const port = parseInteger(0, 65535);
const dnsPort = 53;

function parseIp(text: string): string {
  if (isIP(text) === 0) throw new BadRequest('expected an IP address');
  return text;
}

/** `10.0.0.1`, `10.0.0.1:5353`, `fd00::1` or `[fd00::1]:5353`. */
function parseUpstream(text: string): UpstreamAddress {
  if (isIP(text) !== 0) return { host: text, port: dnsPort };
  const match = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  if (!match || isIP(host) === 0) throw new BadRequest('expected ADDRESS or ADDRESS:PORT, separated by commas');
  return { host, port: parseInteger(1, 65535)(match[3]!) };
}

export const options = {
  kubeconfig: { flag: 'kubeconfig', placeholder: 'FILE', help: 'how to reach the API server', parse: parseText },
  stateDir: {
    flag: 'state-dir',
    placeholder: 'DIR',
    default: '',
    help: 'keeps the last state for a start while no API server can be reached; absent: nothing is kept',
    parse: parseText,
  },
  nodeName: { flag: 'node-name', placeholder: 'NAME', help: 'the node this process serves', parse: parseText },
  nodeIp: {
    flag: 'node-ip',
    placeholder: 'ADDRESS',
    help: "the node's address: queries are answered there",
    parse: parseIp,
  },
  port: { flag: 'port', placeholder: 'PORT', default: '53', help: 'UDP and TCP port for queries', parse: port },
  clusterDomain: {
    flag: 'cluster-domain',
    placeholder: 'DOMAIN',
    default: 'cluster.local',
    help: "the cluster's zone",
    parse: (text: string) => text.toLowerCase().replace(/\.$/, ''),
  },
  upstream: {
    flag: 'upstream',
    placeholder: 'IP:PORT,..',
    default: '',
    help: 'servers for names outside the zone; by default those of --resolv-conf',
    parse: (text: string) => parseList(text).map(parseUpstream),
  },
  resolvConf: {
    flag: 'resolv-conf',
    placeholder: 'FILE',
    default: '/etc/resolv.conf',
    help: 'file with the upstream servers; if it names only the stub of systemd-resolved, the file behind the stub',
    parse: parseText,
  },
  allowRecursion: {
    flag: 'allow-recursion',
    placeholder: 'CIDR,..',
    default: '',
    help: 'more clients that may ask for names outside the zone: the pods of this node and the node always may',
    parse: (text: string) => parseList(text).map(parseCidr),
  },
  healthzAddress: {
    flag: 'healthz-bind-address',
    placeholder: 'ADDRESS',
    default: '127.0.0.1',
    help: 'address of /healthz and /metrics',
    parse: parseIp,
  },
  healthzPort: {
    flag: 'healthz-port',
    placeholder: 'PORT',
    default: '10258',
    help: 'port for /healthz and /metrics',
    parse: port,
  },
} satisfies OptionTable;

/**
 * The name servers of a resolv.conf. Left out: loopback addresses, which are stubs of another network namespace or this server
 * itself, and `own` addresses, where this server would query itself.
 */
export function parseResolvConf(text: string, own: readonly string[]): UpstreamAddress[] {
  const lines = text.split('\n').map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1]);
  const isUsable = (host: string) => isIP(host) !== 0 && !/^127\.|^::1$/.test(host) && !own.includes(host);
  return lines
    .filter((host): host is string => host !== undefined && isUsable(host))
    .map((host) => ({ host, port: dnsPort }));
}
