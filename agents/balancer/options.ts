// Options of `k8ts balancer`.
import { isIP } from 'node:net';
import { BadRequest } from '../../controlplane/base/errors';
import { type OptionTable, parseInteger, parseList, parseText } from '../../controlplane/process/options';
import { type Address, parseAddress, serverName } from './address';

function parseListeners(text: string): readonly Address[] {
  const listeners = parseList(text).map(parseAddress);
  if (listeners.length === 0 || listeners.some(({ host }) => isIP(host) === 0))
    throw new BadRequest('expected ADDRESS:PORT, separated by commas');
  return listeners;
}

function parseServers(text: string): readonly string[] {
  const servers = [...new Set(parseList(text).map(serverName))];
  if (servers.length === 0) throw new BadRequest('expected HOST:PORT, separated by commas');
  return servers;
}

function parseIp(text: string): string {
  if (isIP(text) === 0) throw new BadRequest('expected an IP address');
  return text;
}

export const options = {
  listen: {
    flag: 'listen',
    placeholder: 'ADDRESS:PORT,..',
    repeat: true,
    default: '127.0.0.1:6444',
    help: 'where clients connect',
    parse: parseListeners,
  },
  servers: {
    flag: 'servers',
    placeholder: 'HOST:PORT,..',
    repeat: true,
    help: 'API servers to begin with',
    parse: parseServers,
  },
  ca: {
    flag: 'ca',
    placeholder: 'FILE',
    default: '',
    help: "certificate of the cluster's authority, by which servers are checked; by default that of --kubeconfig",
    parse: parseText,
  },
  kubeconfig: {
    flag: 'kubeconfig',
    placeholder: 'FILE',
    default: '',
    help: 'how to reach the API, best through this balancer, to follow which servers the cluster has; by default only --servers are used',
    parse: parseText,
  },
  stateFile: {
    flag: 'state-file',
    placeholder: 'FILE',
    default: '',
    help: 'where the last list of servers is kept for the next start',
    parse: parseText,
  },
  maxConnections: {
    flag: 'max-connections',
    placeholder: 'COUNT',
    default: '2000',
    help: 'open connections, a fourth of them from one address; further ones are reset',
    parse: parseInteger(1, 100_000),
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
    default: '10260',
    help: 'port for /healthz and /metrics',
    parse: parseInteger(0, 65_535),
  },
} satisfies OptionTable;
