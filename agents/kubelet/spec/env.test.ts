import t from 'tap';
import type { Service } from '../../../controlplane/api';
import type { Container } from './container';
import { containerEnv, type EnvSources, serviceEnv } from './env';
import { resourceValue } from './field-ref';
import { container, pod } from './pod.fixture';

const service = (namespace: string, name: string, spec: object = {}): Service => ({
  metadata: { namespace, name },
  spec: { clusterIP: '10.96.0.7', ports: [{ port: 80, protocol: 'TCP', name: 'web' }], ...spec } as Service['spec'],
});
const kubernetes = service('default', 'kubernetes', {
  clusterIP: '10.96.0.1',
  ports: [{ port: 443, protocol: 'TCP', name: 'https' }],
});

const sources: EnvSources = {
  configMap: (name) => (name === 'cfg' ? { data: { a: 'one', 'bad=name': 'x' } } : undefined),
  secret: (name) => (name === 'sec' ? { data: { pw: Buffer.from('geheim').toString('base64') } } : undefined),
  file: (volume, path) =>
    volume === 'config' && path === 'app.env'
      ? { values: new Map([['COLOR', 'blue']]) }
      : path === 'wrong.env'
        ? { values: new Map(), error: new Error('line 1') }
        : undefined,
  services: [
    kubernetes,
    service('shop', 'my-db'),
    service('other', 'hidden'),
    service('shop', 'headless', { clusterIP: 'None' }),
  ],
  facts: { nodeIps: ['192.0.2.1'], podIps: ['10.244.0.5'], allocatable: { cpu: 2, memory: 2 ** 30 } },
};
const env = (more: Partial<Container>) => {
  const app = container('app', more);
  return Object.fromEntries(containerEnv(pod({ enableServiceLinks: false, containers: [app] }), app, sources));
};

t.test('a value may refer to variables defined before it', async (t) => {
  const got = env({
    env: [
      { name: 'A', value: 'x' },
      { name: 'B', value: '$(A)-$(KUBERNETES_SERVICE_HOST)-$(LATER)-$$(A)' },
      { name: 'LATER', value: 'y' },
    ],
  });
  t.match(got, { A: 'x', B: 'x-10.96.0.1-$(LATER)-$(A)' });
});

t.test('environment from ConfigMaps, Secrets, fields and resources', async (t) => {
  const got = env({
    resources: { limits: { cpu: '500m' } },
    envFrom: [{ configMapRef: { name: 'cfg' }, prefix: 'CFG_' }, { secretRef: { name: 'none', optional: true } }],
    env: [
      { name: 'PW', valueFrom: { secretKeyRef: { name: 'sec', key: 'pw' } } },
      { name: 'MAYBE', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'nope', optional: true } } },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
      { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
    ],
  });
  t.match(got, { CFG_a: 'one', PW: 'geheim', IP: '10.244.0.5', CPU: '500', MEM: '1024' });
  t.notOk('MAYBE' in got);
  t.notOk('CFG_bad=name' in got);
});

t.test('limits of a container: its own, else those of the pod, else what the node can give', (t) => {
  const of = (own: object, ofPod: object, resource: string): string => {
    const app = container('app', { resources: { limits: { ...own } } });
    const limited = pod({ containers: [app], resources: { limits: { ...ofPod } } });
    return resourceValue(limited, { resource: `limits.${resource}` }, 'app', sources.facts);
  };
  const node = String(sources.facts.allocatable['memory']);
  t.equal(of({}, { cpu: '1250m', memory: '64Mi' }, 'cpu'), '2');
  t.equal(of({}, { cpu: '1250m', memory: '64Mi' }, 'memory'), '67108864');
  t.equal(of({ memory: '32Mi' }, { memory: '64Mi' }, 'memory'), '33554432');
  t.equal(of({ memory: '0' }, { cpu: '1' }, 'memory'), node, 'zero counts as absent');
  t.equal(
    of({}, { 'hugepages-2Mi': '4Mi' }, 'hugepages-2Mi'),
    '0',
    'huge pages of the pod are not those of a container',
  );
  t.end();
});

const failures: ReadonlyArray<readonly [Partial<Container>, string]> = [
  [{ envFrom: [{ configMapRef: { name: 'none' } }] }, 'configmap "none" not found'],
  [{ envFrom: [{ secretRef: { name: 'none' } }] }, 'secret "none" not found'],
  [
    { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'k' } } }] },
    "couldn't find key k in ConfigMap shop/cfg",
  ],
  [
    { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'sec', key: 'k' } } }] },
    "couldn't find key k in Secret shop/sec",
  ],
];
for (const [more, message] of failures) {
  t.test(message, async (t) => {
    t.throws(() => env(more), { message, reason: 'CreateContainerConfigError' });
  });
}

t.test('Service variables', async (t) => {
  const got = Object.fromEntries(serviceEnv(pod(), sources.services));
  t.match(got, {
    MY_DB_SERVICE_HOST: '10.96.0.7',
    MY_DB_SERVICE_PORT: '80',
    MY_DB_SERVICE_PORT_WEB: '80',
    MY_DB_PORT: 'tcp://10.96.0.7:80',
    MY_DB_PORT_80_TCP: 'tcp://10.96.0.7:80',
    MY_DB_PORT_80_TCP_PROTO: 'tcp',
    MY_DB_PORT_80_TCP_PORT: '80',
    MY_DB_PORT_80_TCP_ADDR: '10.96.0.7',
    KUBERNETES_SERVICE_PORT_HTTPS: '443',
  });
  t.notOk(Object.keys(got).some((name) => /HIDDEN|HEADLESS/.test(name)));
  const only = Object.keys(Object.fromEntries(serviceEnv(pod({ enableServiceLinks: false }), sources.services)));
  t.ok(only.every((name) => name.startsWith('KUBERNETES_')));
});

t.test('a variable from a file of a volume', async (t) => {
  const from = (path: string, key: string, optional?: boolean) => {
    const fileKeyRef = { volumeName: 'config', path, key, ...(optional ? { optional } : {}) };
    return containerEnv(pod(), container('app', { env: [{ name: 'X', valueFrom: { fileKeyRef } }] }), sources).get('X');
  };
  t.equal(from('app.env', 'COLOR'), 'blue');
  t.throws(() => from('app.env', 'SIZE'), { message: 'environment variable key "SIZE" not found in file "app.env"' });
  t.equal(from('app.env', 'SIZE', true), undefined);
  t.throws(
    () => from('other.env', 'COLOR', true),
    { message: "couldn't parse env file" },
    'the file itself must be there',
  );
  t.throws(() => from('wrong.env', 'COLOR', true), { message: "couldn't parse env file: line 1" });
});

const longer = { reason: 'CreateContainerConfigError', message: /are longer than the kernel allows \(6291456 bytes\)/ };

t.test(
  'an environment that doubles with each variable, or repeats a ConfigMap, ends at the limit of the kernel',
  async (t) => {
    const doubling = Array.from({ length: 40 }, (_, i) => ({ name: `V${i + 1}`, value: `$(V${i})$(V${i})` }));
    t.throws(() => env({ env: [{ name: 'V0', value: 'x' }, ...doubling] }), longer);
    t.throws(
      () =>
        env({
          env: [
            { name: 'A', value: 'x'.repeat(1000) },
            { name: 'B', value: '$(A)'.repeat(6292) },
          ],
        }),
      longer,
    );
    const repeated = Array.from({ length: 100_000 }, (_, i) => ({
      prefix: `${'p'.repeat(60)}${i}`,
      configMapRef: { name: 'cfg' },
    }));
    t.throws(() => env({ envFrom: repeated }), longer);
    const most = { name: 'A', value: 'x'.repeat(1024 * 1024) };
    t.equal(env({ env: [most, { name: 'B', value: '$(A)'.repeat(4) }] })['B']?.length, 4 * 1024 * 1024);
  },
);
