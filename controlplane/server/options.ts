// Options of `k8ts server`.

import { defaultExemptions, parseDefaults, parseExemptions } from '../apiserver/admission/pod-security/config';
import { defaultLimits } from '../apiserver/flowcontrol/options';
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
import { auditOptions } from './audit-options';
import { authorizationOptions } from './authorization-options';
import { encryptionOptions } from './encryption';
import { frontProxyOptions } from './front-proxy-options';
import { oidcOptions } from './oidc-options';
import { schedulerOptions } from './scheduler-options';
import { storeOptions } from './store-options';
import { tokenOptions } from './token-options';
import { tokenWebhookOptions } from './token-webhook-options';

export const parts = ['apiserver', 'controllers', 'scheduler'] as const;
export type Part = (typeof parts)[number];

function parseParts(text: string): readonly Part[] {
  const wanted = parseList(text);
  const unknown = wanted.find((part) => !(parts as readonly string[]).includes(part));
  if (unknown !== undefined || wanted.length === 0)
    throw new BadRequest(`expected one or more of ${parts.join(', ')}, comma-joined`);
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
    help: 'directory of the store',
    parse: parseText,
  },
  pkiDir: {
    flag: 'pki-dir',
    placeholder: 'DIR',
    default: '/var/lib/k8ts/server/pki',
    help: "directory of the server's keys and certificates; missing ones are created",
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
    help: 'range of cluster IPs; a second range of the other family allows dual-stack Services',
    parse: parseRanges,
  },
  clusterCidr: {
    flag: 'cluster-cidr',
    placeholder: 'CIDR',
    default: '10.244.0.0/16',
    help: 'range of pod IPs; with a second range of the other family every pod has two addresses',
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
  ...storeOptions,
  clusterSigningDuration: {
    flag: 'cluster-signing-duration',
    placeholder: 'DURATION',
    default: '8760h',
    help: 'longest lifetime of certificates signed for nodes; nodes renew them in time',
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
    help: 'kubeconfig for the API when --parts is without apiserver',
    parse: parseText,
  },
  tokenFile: {
    flag: 'token-auth-file',
    placeholder: 'FILE',
    default: '',
    help: 'static bearer tokens: token,user,uid,"group,..." per line',
    parse: parseText,
  },
  ...tokenOptions,
  ...oidcOptions,
  ...tokenWebhookOptions,
  ...frontProxyOptions,
  ...authorizationOptions,
  ...auditOptions,
  ...encryptionOptions,
  ...schedulerOptions,
  allowServiceExternalIps: {
    flag: 'allow-service-external-ips',
    default: 'false',
    help: 'allow externalIPs of Services: a user who may create Services can then receive traffic of nodes and pods to any address (CVE-2020-8554)',
    parse: parseBoolean,
  },
  managedFields: {
    flag: 'managed-fields',
    placeholder: 'WRITES',
    default: 'all',
    help: 'writes that give an object its managedFields: all, or applied: the first server-side apply; smaller objects, faster writes',
    parse: parseOneOf('all', 'applied'),
  },
  maxRequestsInflight: {
    flag: 'max-requests-inflight',
    placeholder: 'COUNT',
    default: String(defaultLimits.maxRequestsInflight),
    help: 'how many reads run at once; with priority and fairness, all levels share this number and that of writes',
    parse: parseInteger(0, 1_000_000),
  },
  maxMutatingRequestsInflight: {
    flag: 'max-mutating-requests-inflight',
    placeholder: 'COUNT',
    default: String(defaultLimits.maxMutatingRequestsInflight),
    help: 'how many writes run at once; 0, without priority and fairness: no bound',
    parse: parseInteger(0, 1_000_000),
  },
  enablePriorityAndFairness: {
    flag: 'enable-priority-and-fairness',
    default: String(defaultLimits.enablePriorityAndFairness),
    help: 'FlowSchemas and PriorityLevelConfigurations decide which requests run, wait or are refused; false: the two bounds alone',
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
    help: 'exempt from Pod Security: namespace=NAME, username=NAME, runtimeclass=NAME, comma-joined',
    parse: parseExemptions,
  },
  console: {
    flag: 'console',
    default: 'true',
    help: 'serve the console, a page for browsers, at /console/; false: neither the page nor its logins',
    parse: parseBoolean,
  },
  nodeName: {
    flag: 'node-name',
    placeholder: 'NAME',
    default: '',
    help: 'name of this server in leader election; absent: with etcd a new one at each start, else none: this is the only server',
    parse: parseText,
  },
} satisfies OptionTable;
