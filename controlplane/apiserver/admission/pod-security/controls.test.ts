// Every control with pods it allows and pods it forbids, in the words of the Pod Security Standards.
import t from 'tap';
import type { Container, PodSpec } from '../../../api/pods/types';
import { judgedPod } from './control';
import { controls, describeViolations, violations } from './evaluate';
import { type Level, type LevelVersion, parseVersion } from './policy';

const at = (level: Level, version = 'latest'): LevelVersion => ({ level, minor: parseVersion(version)! });

interface Sample {
  readonly annotations?: Record<string, string>;
  readonly spec?: Partial<PodSpec>;
  /** Added to container `a`; container `b` stays as it is. */
  readonly container?: Partial<Container>;
}

/** A pod that level restricted allows, with the change of the case. */
const safe: NonNullable<Container['securityContext']> = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
function findings(level: LevelVersion, { annotations = {}, spec = {}, container = {} }: Sample): string {
  const a = { name: 'a', securityContext: safe, ...container };
  const b = { name: 'b', securityContext: safe };
  return describeViolations(violations(level, judgedPod({ annotations }, { containers: [a, b], ...spec })));
}
const secure = (change: Partial<NonNullable<Container['securityContext']>>): Sample => ({
  container: { securityContext: { ...safe, ...change } },
});
const insecure = (...keys: (keyof typeof safe)[]): Sample => {
  const securityContext = { ...safe };
  for (const key of keys) delete securityContext[key];
  return { container: { securityContext } };
};
const asPod = (securityContext: NonNullable<PodSpec['securityContext']>): Sample => ({ spec: { securityContext } });

interface Case {
  readonly control: string;
  /** The level that forbids the pod. */
  readonly level?: Level;
  readonly version?: string;
  readonly allowed: readonly Sample[];
  readonly forbidden: readonly (readonly [sample: Sample, message: string])[];
}

const cases: readonly Case[] = [
  {
    control: 'appArmorProfile',
    allowed: [
      secure({ appArmorProfile: { type: 'RuntimeDefault' } }),
      asPod({ appArmorProfile: { type: 'Localhost', localhostProfile: 'x' } }),
      { annotations: { 'container.apparmor.security.beta.kubernetes.io/a': 'localhost/x' } },
    ],
    forbidden: [
      [
        secure({ appArmorProfile: { type: 'Unconfined' } }),
        'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
      ],
      [
        {
          annotations: { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' },
          spec: { securityContext: { appArmorProfile: { type: 'Unconfined' } } },
        },
        'forbidden AppArmor profiles (pod and annotation must not set AppArmor profile type to "Unconfined", ' +
          '"container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
      ],
    ],
  },
  {
    control: 'capabilities_baseline',
    allowed: [secure({ capabilities: { add: ['CHOWN', 'NET_BIND_SERVICE'], drop: ['ALL'] } })],
    forbidden: [
      [
        secure({ capabilities: { add: ['SYS_TIME', 'NET_RAW', 'CHOWN'] } }),
        'non-default capabilities (container "a" must not include "NET_RAW", "SYS_TIME" in securityContext.capabilities.add)',
      ],
      [
        secure({ capabilities: { add: ['CAP_CHOWN'] } }),
        'non-default capabilities (container "a" must not include "CAP_CHOWN" in securityContext.capabilities.add)',
      ],
    ],
  },
  {
    control: 'hostNamespaces',
    allowed: [{ spec: { hostNetwork: false } }],
    forbidden: [
      [{ spec: { hostNetwork: true } }, 'host namespaces (hostNetwork=true)'],
      [{ spec: { hostPID: true, hostIPC: true } }, 'host namespaces (hostPID=true, hostIPC=true)'],
    ],
  },
  {
    control: 'hostPathVolumes',
    allowed: [{ spec: { volumes: [{ name: 'v', emptyDir: {} }] } }],
    forbidden: [
      [{ spec: { volumes: [{ name: 'v', hostPath: { path: '/' } }] } }, 'hostPath volumes (volume "v")'],
      [
        {
          spec: {
            volumes: [
              { name: 'v', hostPath: { path: '/' } },
              { name: 'w', hostPath: { path: '/x' } },
            ],
          },
        },
        'hostPath volumes (volumes "v", "w")',
      ],
    ],
  },
  {
    control: 'hostPorts',
    allowed: [{ container: { ports: [{ containerPort: 80, hostPort: 0 }] } }],
    forbidden: [
      [{ container: { ports: [{ containerPort: 80, hostPort: 90 }] } }, 'hostPort (container "a" uses hostPort 90)'],
      [
        {
          spec: {
            initContainers: [{ name: 'i', ports: [{ containerPort: 80, hostPort: 90 }] }],
            containers: [{ name: 'a', ports: [{ containerPort: 80, hostPort: 100 }] }],
          },
        },
        'hostPort (containers "i", "a" use hostPorts 100, 90)',
      ],
    ],
  },
  {
    control: 'hostProbesAndHostLifecycle',
    allowed: [{ container: { livenessProbe: { httpGet: { port: 80, host: '' } } } }],
    forbidden: [
      [
        { container: { readinessProbe: { tcpSocket: { port: 80, host: '127.0.0.1' } } } },
        'probe or lifecycle host (container "a" uses probe or lifecycle host "127.0.0.1")',
      ],
      [
        {
          container: {
            startupProbe: { httpGet: { port: 80, host: 'b' } },
            lifecycle: { preStop: { httpGet: { port: 80, host: 'a' } } },
          },
        },
        'probe or lifecycle host (container "a" uses probe or lifecycle hosts "a", "b")',
      ],
    ],
  },
  {
    control: 'hostProbesAndHostLifecycle',
    version: 'v1.33',
    allowed: [{ container: { readinessProbe: { tcpSocket: { port: 80, host: '127.0.0.1' } } } }],
    forbidden: [],
  },
  {
    control: 'privileged',
    allowed: [secure({ privileged: false })],
    forbidden: [
      [secure({ privileged: true }), 'privileged (container "a" must not set securityContext.privileged=true)'],
      [
        {
          spec: {
            initContainers: [{ name: 'i', securityContext: { privileged: true } }],
            ephemeralContainers: [{ name: 'e', securityContext: { privileged: true } }],
          },
        },
        'privileged (containers "i", "e" must not set securityContext.privileged=true)',
      ],
    ],
  },
  {
    control: 'procMount',
    allowed: [secure({ procMount: 'Default' }), { ...secure({ procMount: 'Unmasked' }), spec: { hostUsers: false } }],
    forbidden: [
      [
        secure({ procMount: 'Unmasked' }),
        'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
      ],
    ],
  },
  {
    control: 'procMount',
    version: 'v1.34',
    allowed: [],
    forbidden: [
      [
        { ...secure({ procMount: 'Unmasked' }), spec: { hostUsers: false } },
        'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
      ],
    ],
  },
  {
    control: 'seLinuxOptions',
    allowed: [secure({ seLinuxOptions: { type: 'container_engine_t' } }), asPod({ seLinuxOptions: { level: 's0' } })],
    forbidden: [
      [
        secure({ seLinuxOptions: { type: 'spc_t', user: 'u' } }),
        'seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
      ],
      [
        asPod({ seLinuxOptions: { role: 'r' } }),
        'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: role may not be set)',
      ],
    ],
  },
  {
    control: 'seLinuxOptions',
    version: 'v1.30',
    allowed: [secure({ seLinuxOptions: { type: 'container_kvm_t' } })],
    forbidden: [
      [
        secure({ seLinuxOptions: { type: 'container_engine_t' } }),
        'seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "container_engine_t")',
      ],
    ],
  },
  {
    control: 'seccompProfile_baseline',
    allowed: [secure({ seccompProfile: { type: 'Localhost', localhostProfile: 'x' } }), insecure('seccompProfile')],
    forbidden: [
      [
        { ...secure({ seccompProfile: { type: 'Unconfined' } }), ...asPod({ seccompProfile: { type: 'Unconfined' } }) },
        'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
      ],
    ],
  },
  {
    control: 'seccompProfile_baseline',
    version: 'v1.18',
    allowed: [
      { annotations: { 'seccomp.security.alpha.kubernetes.io/pod': 'docker/default' } },
      secure({ seccompProfile: { type: 'Unconfined' } }),
    ],
    forbidden: [
      [
        { annotations: { 'container.seccomp.security.alpha.kubernetes.io/a': 'unconfined' } },
        'seccompProfile (forbidden annotation container.seccomp.security.alpha.kubernetes.io/a="unconfined")',
      ],
    ],
  },
  {
    control: 'sysctls',
    allowed: [asPod({ sysctls: [{ name: 'net.ipv4.tcp_rmem', value: '1' }] })],
    forbidden: [
      [
        asPod({
          sysctls: [
            { name: 'kernel.msgmax', value: '1' },
            { name: 'net.ipv4.tcp_slow_start_after_idle', value: '0' },
          ],
        }),
        'forbidden sysctls (kernel.msgmax, net.ipv4.tcp_slow_start_after_idle)',
      ],
    ],
  },
  {
    control: 'sysctls',
    version: 'v1.28',
    allowed: [asPod({ sysctls: [{ name: 'net.ipv4.ip_local_reserved_ports', value: '1' }] })],
    forbidden: [
      [
        asPod({ sysctls: [{ name: 'net.ipv4.tcp_fin_timeout', value: '1' }] }),
        'forbidden sysctls (net.ipv4.tcp_fin_timeout)',
      ],
    ],
  },
  {
    control: 'windowsHostProcess',
    allowed: [secure({ windowsOptions: { hostProcess: false } })],
    forbidden: [
      [
        secure({ windowsOptions: { hostProcess: true } }),
        'hostProcess (container "a" must not set securityContext.windowsOptions.hostProcess=true)',
      ],
      [
        asPod({ windowsOptions: { hostProcess: true } }),
        'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
      ],
    ],
  },
  {
    control: 'allowPrivilegeEscalation',
    level: 'restricted',
    allowed: [{}, { ...insecure('allowPrivilegeEscalation'), spec: { os: { name: 'windows' } } }],
    forbidden: [
      [
        insecure('allowPrivilegeEscalation'),
        'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
      ],
    ],
  },
  {
    control: 'allowPrivilegeEscalation',
    level: 'restricted',
    version: 'v1.24',
    allowed: [{}],
    forbidden: [
      [
        { ...insecure('allowPrivilegeEscalation'), spec: { os: { name: 'windows' } } },
        'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)',
      ],
    ],
  },
  {
    control: 'capabilities_restricted',
    level: 'restricted',
    allowed: [
      secure({ capabilities: { drop: ['CHOWN', 'ALL'], add: ['NET_BIND_SERVICE'] } }),
      { ...insecure('capabilities'), spec: { os: { name: 'windows' } } },
    ],
    forbidden: [
      [
        secure({ capabilities: { drop: ['all'], add: ['CHOWN'] } }),
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; ' +
          'container "a" must not include "CHOWN" in securityContext.capabilities.add)',
      ],
      [
        insecure('capabilities'),
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"])',
      ],
    ],
  },
  {
    control: 'procMount_restricted',
    level: 'restricted',
    allowed: [secure({ procMount: 'Default' })],
    forbidden: [
      [
        { ...secure({ procMount: 'Unmasked' }), spec: { hostUsers: false } },
        'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
      ],
    ],
  },
  {
    control: 'restrictedVolumes',
    level: 'restricted',
    allowed: [
      { spec: { volumes: [{ name: 'v', csi: { driver: 'x' } }] } },
      { spec: { volumes: [{ name: 'v', image: { reference: 'x' } }] } },
    ],
    forbidden: [
      [
        {
          spec: {
            volumes: [
              { name: 'v', nfs: { server: 's', path: '/' } },
              { name: 'w', hostPath: { path: '/' } },
            ],
          },
        },
        'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
      ],
    ],
  },
  {
    control: 'runAsNonRoot',
    level: 'restricted',
    allowed: [
      { ...insecure('runAsNonRoot'), ...asPod({ runAsNonRoot: true }) },
      { ...secure({ runAsNonRoot: false }), spec: { hostUsers: false } },
    ],
    forbidden: [
      [
        insecure('runAsNonRoot'),
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
      ],
      [
        { ...secure({ runAsNonRoot: false }), ...asPod({ runAsNonRoot: false }) },
        'runAsNonRoot != true (pod and container "a" must not set securityContext.runAsNonRoot=false)',
      ],
    ],
  },
  {
    control: 'runAsUser',
    level: 'restricted',
    allowed: [secure({ runAsUser: 1 }), { ...secure({ runAsUser: 0 }), spec: { hostUsers: false } }],
    forbidden: [
      [secure({ runAsUser: 0 }), 'runAsUser=0 (container "a" must not set runAsUser=0)'],
      [asPod({ runAsUser: 0 }), 'runAsUser=0 (pod must not set runAsUser=0)'],
    ],
  },
  {
    control: 'runAsUser',
    level: 'restricted',
    version: 'v1.22',
    allowed: [secure({ runAsUser: 0 })],
    forbidden: [],
  },
  {
    control: 'seccompProfile_restricted',
    level: 'restricted',
    allowed: [
      { ...insecure('seccompProfile'), ...asPod({ seccompProfile: { type: 'RuntimeDefault' } }) },
      { ...insecure('seccompProfile'), spec: { os: { name: 'windows' } } },
    ],
    forbidden: [
      [
        insecure('seccompProfile'),
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
      ],
      [
        secure({ seccompProfile: { type: 'Unconfined' } }),
        'seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
      ],
    ],
  },
];

t.test('every control', async (t) => {
  for (const { control, level = 'baseline', version, allowed, forbidden } of cases) {
    const name = `${control} ${version ?? 'latest'}`;
    for (const sample of allowed) t.equal(findings(at(level, version), sample), '', `${name}: allowed pods`);
    for (const [sample, message] of forbidden) {
      t.equal(findings(at(level, version), sample), message, `${name}: forbidden pods`);
      t.equal(findings(at('privileged', version), sample), '', `${name}: level privileged allows all pods`);
      const replaces = controls.some(({ id, replaces }) => id === control && replaces);
      if (level === 'restricted' && !replaces)
        t.equal(findings(at('baseline'), sample), '', `${name}: level baseline allows the pod`);
    }
  }
  const untested = controls
    .map(({ id }) => id)
    .filter((id) => !cases.some(({ control, allowed, forbidden }) => control === id && allowed[0] && forbidden[0]));
  t.same(untested, [], 'every control has a pod that it allows and one that it forbids');
});

t.test('a restricted control reports instead of the baseline control that it replaces', async (t) => {
  const message = findings(at('restricted'), {
    spec: { hostPID: true, volumes: [{ name: 'v', hostPath: { path: '/' } }] },
    container: {},
  });
  t.equal(
    message,
    'host namespaces (hostPID=true), restricted volume types (volume "v" uses restricted volume type "hostPath")',
  );
});

t.test('later versions are judged as the latest version', async (t) => {
  const sample = insecure('runAsNonRoot');
  t.equal(findings(at('restricted', 'v1.99'), sample), findings(at('restricted'), sample));
});
