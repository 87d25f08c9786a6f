import t from 'tap';
import { type ContainerInput, containerSpec, sandboxSpec } from './container-spec';
import { container, pod } from './pod.fixture';

const image = { id: 'sha256:app', tags: [], digests: [], sizeBytes: 1, user: '' };
const spec = (more: Partial<ContainerInput>) =>
  containerSpec({
    pod: pod(),
    container: container('app'),
    attempt: 2,
    sandboxId: 'sb',
    env: new Map([['A', '1']]),
    mounts: [],
    image,
    terminationLog: '/t',
    nodeMemoryBytes: 8 * 2 ** 30,
    lowestOomScore: 0,
    ...more,
  });

t.test('names, labels, namespaces', async (t) => {
  t.match(spec({}), {
    name: 'k8s_app_web_shop_u1_2',
    env: ['A=1'],
    network: { container: 'sb' },
    ipc: { container: 'sb' },
    pid: 'own',
    labels: { 'io.kubernetes.pod.uid': 'u1', 'io.kubernetes.container.name': 'app', 'k8ts.dev/restart-count': '2' },
  });
  t.match(spec({ pod: pod({ nodeName: 'n1', hostNetwork: true, hostPID: true, hostIPC: true }) }), {
    network: 'host',
    hostname: 'n1',
    pid: 'host',
    ipc: 'host',
  });
  t.equal(spec({ handler: 'kata' }).runtime, 'kata');
  t.notOk('runtime' in spec({}));
  t.same(spec({ pod: pod({ shareProcessNamespace: true }) }).pid, { container: 'sb' });
  t.same(spec({ targetId: 'other' }).pid, { container: 'other' });
  t.same(spec({ targetId: 'other', pod: pod({ shareProcessNamespace: true }) }).pid, { container: 'sb' });
  t.equal(spec({ targetId: 'other', pod: pod({ hostPID: true }) }).pid, 'host');
});

t.test('command and arguments replace and expand', async (t) => {
  t.match(spec({ container: container('app', { command: ['run', '$(A)'], args: ['$(B)'] }) }), {
    entrypoint: ['run', '1'],
    args: ['$(B)'],
  });
  t.notOk('entrypoint' in spec({}));
  const many = { args: Array.from({ length: 7 }, () => '$(A)'), command: ['run'] };
  const env = new Map([['A', 'x'.repeat(1024 * 1024)]]);
  t.throws(() => spec({ env, container: container('app', many) }), { message: /longer than the kernel allows/ });
});

t.test('limits and requests of a container', async (t) => {
  const resources = { limits: { cpu: '500m', memory: '64Mi' }, requests: { cpu: '100m' } };
  t.match(spec({ container: container('app', { resources }) }), {
    cpuShares: 102,
    cpuQuotaMicros: 50_000,
    cpuPeriodMicros: 100_000,
    memoryBytes: 64 * 2 ** 20,
  });
  t.equal(spec({ container: container('app', { resources: { limits: { cpu: '1' } } }) }).cpuShares, 1024);
  t.match(spec({}), { cpuShares: 2, oomScoreAdj: 1000 });
  const limits = { cpu: '1', memory: '1Gi' };
  t.equal(spec({ pod: pod({ resources: { limits } }) }).oomScoreAdj, 0, 'resources of the pod alone decide its class');
});

t.test('securityContext of pod and container', async (t) => {
  const securityContext = {
    runAsUser: 1000,
    runAsGroup: 2000,
    privileged: false,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
  };
  t.match(
    spec({
      container: container('app', { securityContext }),
      seccomp: 'unconfined',
      pod: pod({ securityContext: { fsGroup: 3000, supplementalGroups: [4000] } }),
    }),
    {
      user: '1000:2000',
      readOnlyRoot: true,
      noNewPrivileges: true,
      addCapabilities: ['NET_ADMIN'],
      dropCapabilities: ['ALL'],
      seccomp: 'unconfined',
      groups: ['4000', '3000'],
    },
  );
});

t.test('AppArmor and /proc', async (t) => {
  const appArmor = (securityContext: object, podSecurity: object = {}, annotations = {}) =>
    spec({
      pod: pod({ securityContext: podSecurity }, { metadata: { name: 'web', annotations } }),
      container: container('app', { securityContext }),
    }).appArmor;
  const profile = (type: string, localhostProfile?: string) => ({ appArmorProfile: { type, localhostProfile } });
  const key = 'container.apparmor.security.beta.kubernetes.io/app';
  t.equal(appArmor({}), undefined);
  t.equal(appArmor(profile('Localhost', 'web')), 'web');
  t.equal(appArmor({}, profile('Unconfined')), 'unconfined');
  t.equal(appArmor(profile('RuntimeDefault'), profile('Unconfined')), undefined, 'the container decides');
  t.equal(appArmor({}, {}, { [key]: 'localhost/old' }), 'old');
  t.equal(appArmor({}, {}, { [key]: 'unconfined' }), 'unconfined');
  t.equal(appArmor({ privileged: true, ...profile('Localhost', 'web') }), undefined);
  const unmasked = (procMount: string) => spec({ container: container('app', { securityContext: { procMount } }) });
  t.equal(unmasked('Unmasked').unmaskedProc, true);
  t.notOk('unmaskedProc' in unmasked('Default'));
});

t.test('runAsNonRoot', async (t) => {
  const nonRoot = (user: string, securityContext: object = {}) =>
    spec({
      image: { ...image, user },
      container: container('app', { securityContext: { runAsNonRoot: true, ...securityContext } }),
    });
  const where = '(pod: "web_shop(u1)", container: app)';
  t.throws(() => nonRoot(''), { message: `container has runAsNonRoot and image will run as root ${where}` });
  t.throws(() => nonRoot('web'), { message: /image has non-numeric user \(web\), cannot verify user is non-root/ });
  t.throws(() => nonRoot('1000', { runAsUser: 0 }), {
    message: `container's runAsUser breaks non-root policy ${where}`,
  });
  t.ok(nonRoot('1000'));
});

t.test('the spec of the sandbox', async (t) => {
  const given = { pod: pod(), attempt: 1, image: 'pause', hostname: 'web', podIps: ['10.244.0.5'] };
  t.match(sandboxSpec(given), {
    name: 'k8s_POD_web_shop_u1_1',
    hostname: 'web',
    network: 'own',
    labels: { 'k8ts.dev/pod-ip': '10.244.0.5' },
  });
  t.notOk('runtime' in sandboxSpec(given));
  t.match(sandboxSpec({ ...given, handler: 'kata' }), {
    runtime: 'kata',
    labels: { 'k8ts.dev/runtime-handler': 'kata' },
  });
  t.match(sandboxSpec({ ...given, hostname: 'worker-1', pod: pod({ hostNetwork: true }) }), {
    hostname: 'worker-1',
    network: 'host',
  });
});
