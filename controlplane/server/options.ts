// Options of `k8ts server`.

import { defaultExemptions, parseDefaults, parseExemptions } from '../apiserver/admission/pod-security/config';
import { formatCidr, parseCidrPair } from '../base/cidr';
import { BadRequest } from '../base/errors';
import { parsePool } from '../controllers/load-balancer/pool';
import {
  type OptionTable,
  parseBoolean,
  parseDuration,
  parseInteger,
  parseList,
  parseOneOf,
  parseText,
} from '../process/options';

export const parts = ['apiserver', 'controllers', 'scheduler'] as const;
export type Part = (typeof parts)[number];

function parseParts(text: string): readonly Part[] {
  const wanted = parseList(text);
  const unknown = wanted.find((part) => !(parts as readonly string[]).includes(part));
  if (unknown !== undefined || wanted.length === 0) throw new BadRequest(`expected some of ${parts.join(', ')}`);
  return wanted as readonly Part[];
}

/** Checks the pool and keeps it as text: the controllers parse it themselves. @throws BadRequest */
const parsePoolText = (text: string): string => parsePool(text).text;

const parseRanges = (text: string): string => parseCidrPair(text).map(formatCidr).join(',');

/** On a busy machine, a shorter-lived certificate would end before its renewal. */
function parseLifetime(text: string): number {
  const ms = parseDuration(text);
  if (ms < 600_000) throw new BadRequest('expected 10m or more');
  return ms;
}

export const serverOptions = {
  dataDir: {
    flag: 'data-dir',
    placeholder: 'DIR',
    default: '/var/lib/k8ts/server',
    help: 'where the state is kept',
    parse: parseText,
  },
  pkiDir: {
    flag: 'pki-dir',
    placeholder: 'DIR',
    default: '/var/lib/k8ts/server/pki',
    help: 'keys and certificates of the server; missing ones are made',
    parse: parseText,
  },
  bindAddress: {
    flag: 'bind-address',
    placeholder: 'IP',
    default: '0.0.0.0',
    help: 'address to listen on',
    parse: parseText,
  },
  securePort: {
    flag: 'secure-port',
    placeholder: 'PORT',
    default: '6443',
    help: 'port of the API',
    parse: parseInteger(0, 65_535),
  },
  advertiseAddress: {
    flag: 'advertise-address',
    placeholder: 'IP',
    default: '127.0.0.1',
    help: 'address at which nodes and pods reach this server',
    parse: parseText,
  },
  serviceCidr: {
    flag: 'service-cidr',
    placeholder: 'CIDR',
    default: '10.96.0.0/12',
    help: 'range of cluster IPs; with a second one of the other family Services can be dual-stack',
    parse: parseRanges,
  },
  clusterCidr: {
    flag: 'cluster-cidr',
    placeholder: 'CIDR',
    default: '10.244.0.0/16',
    help: 'range of pod IPs; with a second one of the other family every pod has two addresses',
    parse: parseRanges,
  },
  loadBalancerPool: {
    flag: 'load-balancer-pool',
    placeholder: 'RANGES',
    default: '',
    help: "addresses of the nodes' network for Services of type LoadBalancer: FIRST-LAST or CIDR, comma-joined; absent: none",
    parse: parsePoolText,
  },
  clusterDomain: {
    flag: 'cluster-domain',
    placeholder: 'NAME',
    default: 'cluster.local',
    help: 'DNS zone of the cluster',
    parse: parseText,
  },
  store: {
    flag: 'store',
    placeholder: 'KIND',
    default: 'sqlite',
    help: 'sqlite, or memory for a state that ends with the process',
    parse: parseOneOf('sqlite', 'memory'),
  },
  clusterSigningDuration: {
    flag: 'cluster-signing-duration',
    placeholder: 'DURATION',
    default: '8760h',
    help: 'the longest that certificates signed for nodes live; they are renewed in time',
    parse: parseLifetime,
  },
  parts: {
    flag: 'parts',
    placeholder: 'LIST',
    default: parts.join(','),
    help: 'parts to run in this process',
    parse: parseParts,
  },
  kubeconfig: {
    flag: 'kubeconfig',
    placeholder: 'FILE',
    default: '',
    help: 'how to reach the API when apiserver is not among the parts',
    parse: parseText,
  },
  tokenFile: {
    flag: 'token-auth-file',
    placeholder: 'FILE',
    default: '',
    help: 'static bearer tokens: token,user,uid,"group,..." per line',
    parse: parseText,
  },
  allowServiceExternalIps: {
    flag: 'allow-service-external-ips',
    default: 'false',
    help: 'let Services have externalIPs: whoever may create one then receives what nodes and pods send to any address (CVE-2020-8554)',
    parse: parseBoolean,
  },
  podSecurityDefaults: {
    flag: 'pod-security-defaults',
    placeholder: 'LIST',
    default: '',
    help: 'Pod Security of namespaces without labels: MODE=LEVEL[:VERSION] of enforce, warn and audit, comma-joined; absent: privileged',
    parse: parseDefaults,
  },
  podSecurityExemptions: {
    flag: 'pod-security-exempt',
    placeholder: 'LIST',
    default: defaultExemptions,
    help: 'what no Pod Security level concerns: namespace=NAME, username=NAME, runtimeclass=NAME, comma-joined',
    parse: parseExemptions,
  },
  nodeName: {
    flag: 'node-name',
    placeholder: 'NAME',
    default: '',
    help: 'names this server in leader election; absent when it is the only one',
    parse: parseText,
  },
} satisfies OptionTable;
