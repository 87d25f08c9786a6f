// Warnings of the kinds, with kube-apiserver's messages.
import t from 'tap';
import { deployments } from './deployment';
import { ingresses } from './ingress';
import { jobs } from './job';
import type { Kind } from './kind';
import { pods } from './pod';
import { podTemplates } from './pod-template';
import { services } from './service';
import { serviceAccounts } from './service-account';
import type { KubeObject } from './types';

function warningsOf<T extends KubeObject>(kind: Kind<T>, body: object, old?: object): string[] {
  const object = structuredClone(body) as T;
  kind.options.defaults?.(object);
  return kind.options.warnings?.(object, { subresource: '', ...(old ? { old: old as T } : {}) }) ?? [];
}
const container = { name: 'c', image: 'i' };
const pod = (spec: object, metadata: object = {}) => ({
  metadata: { name: 'p', ...metadata },
  spec: { containers: [container], ...spec },
});

t.test('warnings about pods', async (t) => {
  const cases: Array<{ name: string; body: object; warnings: string[] }> = [
    { name: 'nothing', body: pod({}), warnings: [] },
    {
      name: 'a name with dots',
      body: pod({}, { name: 'a.b' }),
      warnings: [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
      ],
    },
    {
      name: 'labels of nodes',
      body: pod({
        nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 1,
                preference: {
                  matchExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', operator: 'Exists' }],
                },
              },
            ],
          },
          podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'a' }] },
        },
        topologySpreadConstraints: [
          { maxSkew: 1, topologyKey: 'beta.kubernetes.io/arch', whenUnsatisfiable: 'DoNotSchedule' },
        ],
      }),
      warnings: [
        'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
        'spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference.matchExpressions[0].key: ' +
          'failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
        'spec.topologySpreadConstraints[0].topologyKey: beta.kubernetes.io/arch is deprecated since v1.14; use "kubernetes.io/arch" instead',
        'spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod',
        'spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod',
      ],
    },
    {
      name: 'annotations of older versions',
      body: pod(
        {},
        {
          annotations: {
            'scheduler.alpha.kubernetes.io/critical-pod': '',
            'seccomp.security.alpha.kubernetes.io/pod': 'x',
          },
        },
      ),
      warnings: [
        'metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in v1.16+; use the "priorityClassName" field instead',
        'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead',
      ],
    },
    {
      name: 'environment and memory',
      body: pod({
        containers: [
          {
            ...container,
            env: [
              { name: 'A', value: 'x' },
              { name: 'A', value: '$(A)y' },
              { name: 'A', value: 'z' },
            ],
            resources: { limits: { memory: '100m' } },
          },
        ],
      }),
      warnings: [
        'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
        'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
        'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply',
      ],
    },
    {
      name: 'ports',
      body: pod({
        containers: [
          { ...container, ports: [{ containerPort: 80 }, { containerPort: 80, hostPort: 81 }] },
          { name: 'd', image: 'i', ports: [{ containerPort: 80, hostPort: 81, hostIP: '10.0.0.1' }] },
        ],
      }),
      warnings: [
        'spec.containers[0].ports[1]: overlapping port definition with spec.containers[0].ports[0]',
        'spec.containers[1].ports[0]: overlapping port definition with spec.containers[0].ports[0]',
        'spec.containers[1].ports[0]: dangerously ambiguous port definition with spec.containers[0].ports[1]',
      ],
    },
    {
      name: 'files at one path',
      body: pod({
        volumes: [
          {
            name: 'v',
            secret: {
              secretName: 's',
              items: [
                { key: 'a', path: 'p' },
                { key: 'b', path: 'p/q' },
              ],
            },
          },
          {
            name: 'w',
            projected: {
              sources: [
                { configMap: { name: 'c', items: [{ key: 'a', path: 'token' }] } },
                { serviceAccountToken: { path: 'token' } },
                {},
              ],
            },
          },
        ],
      }),
      warnings: [
        'volume "v" (Secret "s"): overlapping paths: "p/q" with "p"',
        'volume "w" (Projected) has no sources provided',
        'volume "w" (Projected): overlapping paths: "token" (ServiceAccountToken) with "token" (ConfigMap "c")',
      ],
    },
    {
      name: 'lists',
      body: pod({
        imagePullSecrets: [{ name: 'a' }, { name: 'a' }, {}],
        hostAliases: [{ ip: '10.0.0.1' }, { ip: '10.0.0.1' }],
        terminationGracePeriodSeconds: -1,
        volumes: [{ name: 'v', gitRepo: { repository: 'r' } }],
      }),
      warnings: [
        'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+',
        'spec.hostAliases[1].ip: duplicate ip "10.0.0.1"',
        'spec.imagePullSecrets[1].name: duplicate name "a"',
        'spec.imagePullSecrets[2].name: invalid empty name ""',
      ],
    },
  ];
  for (const { name, body, warnings } of cases) t.same(warningsOf(pods, body), warnings, name);
  t.same(warningsOf(pods, pod({}, { name: 'a.b' }), pod({})), [], 'an update of a pod has no warnings');
});

t.test('warnings about pod templates', async (t) => {
  const body = (name: string, template: object) => ({
    metadata: { name },
    spec: { selector: {}, template: { spec: template } },
  });
  const old = { containers: [container], nodeSelector: { 'beta.kubernetes.io/os': 'linux' } };
  const label =
    'spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead';
  const name =
    'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]';
  const kinds: readonly Kind[] = [deployments, jobs];
  for (const kind of kinds) {
    t.same(warningsOf(kind, body('a.b', old)), [name, label], kind.kind);
    const stored = body('a.b', old);
    kind.options.defaults?.(stored as KubeObject);
    t.same(warningsOf(kind, body('a.b', old), stored), [], `${kind.kind}: the template did not change`);
    t.same(
      warningsOf(kind, body('a.b', { ...old, hostname: 'h' }), stored),
      [label],
      `${kind.kind}: the template changed`,
    );
  }
  const alone = { metadata: { name: 'a.b' }, template: { spec: old } };
  t.same(warningsOf(podTemplates, alone), [label.replace('spec.', '')], 'a PodTemplate names no pods');
  const stored = structuredClone(alone);
  podTemplates.options.defaults?.(stored);
  t.same(warningsOf(podTemplates, alone, stored), []);
});

t.test('warnings about Services and other kinds', async (t) => {
  const ports = [{ port: 80 }];
  t.same(
    warningsOf(services, {
      metadata: { annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto' } },
      spec: {
        ports,
        clusterIP: 'None',
        sessionAffinity: 'ClientIP',
        externalIPs: ['FD00::0001'],
        externalName: 'x',
        loadBalancerIP: '10.0.0.1',
        loadBalancerSourceRanges: [' 10.1.2.3/8', '10.0.0.0/8', 'fd00::1/64'],
      },
    }),
    [
      'annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead',
      'spec.loadBalancerIP is ignored for headless services',
      'spec.externalIPs is ignored for headless services',
      'spec.SessionAffinity is ignored for headless services',
      'spec.externalIPs[0]: IPv6 address "FD00::0001" should be in RFC 5952 canonical format ("fd00::1")',
      'spec.loadBalancerSourceRanges[0]: CIDR value "10.1.2.3/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.1.2.3/32"?)',
      'spec.loadBalancerSourceRanges[2]: CIDR value "fd00::1/64" is ambiguous in this context (should be "fd00::/64" or "fd00::1/128"?)',
      'spec.externalName is ignored when spec.type is not "ExternalName"',
    ],
  );
  t.same(warningsOf(services, { spec: { ports } }), []);
  t.same(
    warningsOf(services, {
      spec: { ports, clusterIP: '10.0.0.1', externalIPs: ['1.2.3.4'], trafficDistribution: 'PreferClose' },
    }),
    [
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
      'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
    ],
  );
  const annotations = { 'kubernetes.io/ingress.class': 'x' };
  t.same(warningsOf(ingresses, { metadata: { annotations }, spec: {} }), [
    `annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`,
  ]);
  t.same(warningsOf(ingresses, { metadata: { annotations }, spec: { ingressClassName: 'x' } }), []);
  t.same(
    warningsOf(serviceAccounts, { metadata: { annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } } }),
    [
      'metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets',
    ],
  );
});
