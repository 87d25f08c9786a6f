// The systemd units of a node as text. Each process gets only the rights it needs; where a process needs many, the comment in its unit says
// why. Pure. Source of the settings: systemd.exec(5), systemd.service(5) of version 249 and later.
import { etcdEnvironment } from '../../controlplane/process/etcd-runtime';
import { serverEnvironment, serverNodeFlags } from '../../controlplane/process/server-runtime';
import {
  balancerDir,
  cacheName,
  envPath,
  etcdDir,
  keptDir,
  type Part,
  partsOf,
  programDir,
  pushConfigPath,
  pushUnit,
  type Role,
  registryConfigPath,
  registryDir,
  serverDir,
  target,
  unitDir,
  unitOf,
  users,
} from './layout';

type Lines = readonly string[];
interface UnitParts {
  readonly description: string;
  readonly after?: Lines;
  readonly service: Lines;
  /** Seconds that the process may take to end before it is killed; default 30. */
  readonly stopSeconds?: number;
}

/** The pause before a process that ended by itself starts again. */
const restartSeconds = 2;

/**
 * systemd ends and restarts a process whose event loop does not turn for this long. At SIGINT the process prints its stack
 * (controlplane/process/watchdog.ts); a running call into the engine must return first.
 */
const watchdog: Lines = ['WatchdogSec=90', 'WatchdogSignal=SIGINT', 'TimeoutAbortSec=10'];

/** A folder below /run that a restart of the process leaves as it is. */
const keeps = (part: 'dns' | 'ingress'): Lines => [
  `RuntimeDirectory=${keptDir(part).replace('/run/', '')}`,
  'RuntimeDirectoryMode=0700',
  'RuntimeDirectoryPreserve=restart',
];

/** For processes that need only the network of the machine. */
const confined: Lines = [
  'NoNewPrivileges=yes',
  'ProtectSystem=strict',
  'ProtectHome=yes',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectProc=invisible',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'RemoveIPC=yes',
  'UMask=0077',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
  // Netlink: to list the addresses of this machine.
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
];

const noCapability = 'CapabilityBoundingSet=';
const lowPorts: Lines = ['CapabilityBoundingSet=CAP_NET_BIND_SERVICE', 'AmbientCapabilities=CAP_NET_BIND_SERVICE'];

function nodeProgram(part: Part, flags: readonly string[] = []): Lines {
  const program = [`${programDir}/bin/node`, ...flags, `${programDir}/k8ts.js`, part, '$K8TS_ARGS', '$K8TS_EXTRA_ARGS'];
  return [
    // For the administrator: options that init and join do not know, such as K8TS_EXTRA_ARGS="--log-level=debug"
    'Environment=K8TS_EXTRA_ARGS=',
    `EnvironmentFile=-/etc/default/k8ts-${part}`,
    `EnvironmentFile=${envPath(part)}`,
    `Environment=LD_LIBRARY_PATH=${programDir}/lib`,
    `CacheDirectory=${cacheName(part)}`,
    `Environment=NODE_COMPILE_CACHE=/var/cache/${cacheName(part)}`,
    `ExecStart=${program.join(' ')}`,
    ...watchdog,
  ];
}

function registryService(config: string): Lines {
  return [
    // Without these settings Debian's build warns about missing telemetry settings.
    'Environment=OTEL_TRACES_EXPORTER=none',
    `ExecStart=${programDir}/bin/docker-registry serve ${config}`,
    `User=${users.registry}`,
    `StateDirectory=${registryDir.replace('/var/lib/', '')}`,
    'StateDirectoryMode=0700',
    ...confined,
    noCapability,
  ];
}

const units: Readonly<Record<Part, UnitParts>> = {
  etcd: {
    description: 'k8ts etcd: the objects of the cluster',
    service: [
      ...Object.entries(etcdEnvironment).map(([name, value]) => `Environment=${name}=${value}`),
      'Environment=K8TS_EXTRA_ARGS=',
      'EnvironmentFile=-/etc/default/k8ts-etcd',
      `EnvironmentFile=${envPath('etcd')}`,
      // Of the package etcd-server.
      'ExecStart=etcd $K8TS_ARGS $K8TS_EXTRA_ARGS',
      `User=${users.server}`,
      `StateDirectory=${etcdDir.replace('/var/lib/', '')}`,
      'StateDirectoryMode=0700',
      'LimitNOFILE=65536',
      'OOMScoreAdjust=-950',
      ...confined,
      noCapability,
    ],
  },
  server: {
    description: 'k8ts API server, controllers and scheduler',
    after: [unitOf('etcd')],
    service: [
      ...nodeProgram('server', serverNodeFlags),
      ...Object.entries(serverEnvironment).map(([name, value]) => `Environment=${name}=${value}`),
      `User=${users.server}`,
      `StateDirectory=${serverDir.replace('/var/lib/', '')}`,
      'StateDirectoryMode=0700',
      'LimitNOFILE=65536',
      'OOMScoreAdjust=-900',
      ...confined,
      noCapability,
    ],
  },
  registry: { description: 'k8ts image registry of this cluster', service: registryService(registryConfigPath) },
  balancer: {
    description: 'k8ts balancer: one address for the API servers of the cluster',
    after: [unitOf('server')],
    service: [
      ...nodeProgram('balancer'),
      // The user of dns, with its credentials: like dns it only reads which addresses there are.
      `User=${users.dns}`,
      `StateDirectory=${balancerDir.replace('/var/lib/', '')}`,
      'StateDirectoryMode=0700',
      'LimitNOFILE=65536',
      ...confined,
      noCapability,
      'OOMScoreAdjust=-950',
    ],
  },
  kubelet: {
    description: 'k8ts kubelet: the pods of this node',
    after: ['docker.service', unitOf('server'), unitOf('registry')],
    // When the machine goes down the kubelet gives containers 15 s to end, and Docker may be slow.
    stopSeconds: 60,
    service: [
      ...nodeProgram('kubelet'),
      '# root, and in the mount namespace of the machine: it enters the network namespaces of pods, makes links, routes and',
      '# sysctls, and mounts volumes that Docker must see. Any of Protect*, Private* or ReadOnlyPaths would hide those mounts.',
      'NoNewPrivileges=yes',
      'LockPersonality=yes',
      'RestrictRealtime=yes',
      'SystemCallArchitectures=native',
      'LimitNOFILE=1048576',
      'OOMScoreAdjust=-999',
    ],
  },
  'kube-proxy': {
    description: 'k8ts kube-proxy: Services as netfilter rules',
    after: ['docker.service', unitOf('server')],
    service: [
      ...nodeProgram('kube-proxy'),
      '# root, because iptables keeps its lock in /run/xtables.lock and its modules are loaded by root alone; of what root may do,',
      '# only the network and that.',
      'CapabilityBoundingSet=CAP_NET_ADMIN CAP_NET_RAW CAP_NET_BIND_SERVICE CAP_SYS_MODULE',
      // Packet: it answers ARP for the addresses of load balancers.
      'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'ReadWritePaths=/run',
      'ProtectHome=yes',
      'PrivateTmp=yes',
      'ProtectKernelLogs=yes',
      'ProtectControlGroups=yes',
      'ProtectHostname=yes',
      'RestrictNamespaces=yes',
      'RestrictRealtime=yes',
      'RestrictSUIDSGID=yes',
      'LockPersonality=yes',
      'SystemCallArchitectures=native',
      'OOMScoreAdjust=-900',
    ],
  },
  dns: {
    description: 'k8ts dns: names of Services for the pods of this node',
    after: [unitOf('server')],
    service: [
      ...nodeProgram('dns'),
      `User=${users.dns}`,
      ...keeps('dns'),
      ...confined,
      ...lowPorts,
      'OOMScoreAdjust=-900',
    ],
  },
  ingress: {
    description: 'k8ts ingress: HTTP and HTTPS to pods',
    after: [unitOf('server')],
    service: [
      ...nodeProgram('ingress'),
      `User=${users.ingress}`,
      ...keeps('ingress'),
      ...confined,
      ...lowPorts,
      'LimitNOFILE=65536',
    ],
  },
};

function renderService(part: Part): string {
  const { description, after = [], service, stopSeconds = 30 } = units[part];
  const wants = after.filter((unit) => unit === 'docker.service');
  return lines([
    `# Written by k8ts; changes are overwritten. Yours belong into a drop-in: systemctl edit ${unitOf(part)}`,
    '[Unit]',
    `Description=${description}`,
    `PartOf=${target}`,
    `Wants=${['network-online.target', ...wants].join(' ')}`,
    `After=${['network-online.target', ...after].join(' ')}`,
    // Restart without limit: a missing dependency may return.
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    ...service,
    'Restart=always',
    `RestartSec=${restartSeconds}`,
    `TimeoutStopSec=${stopSeconds}`,
    'StandardOutput=journal',
    'StandardError=journal',
    `SyslogIdentifier=k8ts-${part}`,
    '',
    '[Install]',
    `WantedBy=${target}`,
  ]);
}

/** The administrator starts it for a push and stops it afterwards. */
const pushText = lines([
  '# Written by k8ts; changes are overwritten.',
  '[Unit]',
  'Description=k8ts image registry, open to writers on this machine',
  `PartOf=${target}`,
  '',
  '[Service]',
  'Type=exec',
  ...registryService(pushConfigPath),
]);

const targetText = lines([
  '# Written by k8ts; changes are overwritten.',
  '[Unit]',
  'Description=k8ts: this machine as a node of Kubernetes',
  'Wants=network-online.target',
  '',
  '[Install]',
  'WantedBy=multi-user.target',
]);

/** Path → text of every unit file of such a machine. */
export function unitFiles(machine: Role): ReadonlyMap<string, string> {
  const parts = partsOf(machine);
  return new Map([
    ...parts.map((part) => [`${unitDir}/${unitOf(part)}`, renderService(part)] as const),
    ...(parts.includes('registry') ? [[`${unitDir}/${pushUnit}`, pushText] as const] : []),
    [`${unitDir}/${target}`, targetText],
  ]);
}

/** The units that `systemctl enable` gets. */
export const enabledUnits = (machine: Role): Lines => [target, ...partsOf(machine).map(unitOf)];

function lines(all: Lines): string {
  return `${all.join('\n')}\n`;
}
