import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { configMaps, type Pod, pods, secrets } from '../../../controlplane/api';
import type { Container } from '../spec/container';
import { container, mounting } from '../spec/pod.fixture';
import { setUp } from './pod-set.fixture';
import { PodWorker } from './pod-worker';

/** Every pod may run. */
const admit = async () => undefined;
const identity = { name: 'web', namespace: 'shop', uid: 'uid-web' };

/** Long enough for all work that needs no timer. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
}

for (const matter of [true, false]) {
  t.test(
    `publishing an address before the pod has a network: ${matter ? 'with policies' : 'not without policies'}`,
    async (t) => {
      const { create, until, runtime, client } = await setUp(t, { addressesMatter: () => matter });
      const started = Promise.withResolvers<void>();
      const mayStart = Promise.withResolvers<void>();
      const start = runtime.start.bind(runtime);
      runtime.start = async (id) => {
        started.resolve();
        await mayStart.promise;
        return start(id);
      };
      await create('web', { containers: [container('app')] });
      await started.promise;
      if (matter) {
        const web = await until('web', (pod) => pod?.status?.podIP !== undefined);
        t.match(web?.status, { phase: 'Pending', podIP: '10.244.0.2', podIPs: [{ ip: '10.244.0.2' }] });
      } else t.notMatch(client.requests, [/^patch pods/]);
      mayStart.resolve();
      await until('web', (pod) => pod?.status?.phase === 'Running');
      const writes = client.requests.filter((request) => request.startsWith('patch pods shop/web'));
      t.equal(writes.length, matter ? 2 : 1, writes.join('; '));
    },
  );
}

t.test('Events name the container; a failed postStart hook ends it', async (t) => {
  const { create, until, runtime, reports } = await setUp(t);
  runtime.onExec = () => ({ output: 'oops', code: 2 });
  const lifecycle = { postStart: { exec: { command: ['sh'] } } };
  await create('web', { restartPolicy: 'Never', containers: [container('app', { lifecycle })] });
  await until('web', (pod) => pod?.status?.phase === 'Failed');
  t.same(await reports(), [
    'spec.containers{app}: Pulled: Container image "app:1" already present on machine and can be accessed by the pod',
    'spec.containers{app}: Created: Container created',
    'spec.containers{app}: Started: Container started',
    'spec.containers{app}: FailedPostStartHook: PostStartHook failed',
    'spec.containers{app}: Killing: FailedPostStartHook',
  ]);
});

t.test('a pod is started in order and becomes ready', async (t) => {
  const { create, ready, runtime, network, reasons } = await setUp(t);
  await create('web', { containers: [container('app')] });
  const web = await ready('web');
  t.match(web?.status, { phase: 'Running', podIP: '10.244.0.2', hostIP: '192.0.2.1', qosClass: 'BestEffort' });
  t.same(
    runtime.calls,
    [
      'create k8s_POD_web_shop_uid-web_0',
      'start k8s_POD_web_shop_uid-web_0',
      'create k8s_app_web_shop_uid-web_0',
      'start k8s_app_web_shop_uid-web_0',
    ].sort((a, b) => runtime.calls.indexOf(a) - runtime.calls.indexOf(b)),
  );
  t.equal(runtime.calls.at(-1), 'start k8s_app_web_shop_uid-web_0');
  t.ok(network.attached.has('10.244.0.2'));
  t.same(await reasons(), ['Pulled', 'Created', 'Started']);
});

t.test('a pod that is soon Ready takes one write of its status; a pod that waits is reported', async (t) => {
  const { create, ready, until, client, clock } = await setUp(t);
  const patch = client.patch.bind(client) as (...args: unknown[]) => Promise<never>;
  const written: (string | undefined)[] = [];
  Object.assign(client, {
    patch: (...args: [unknown, string, unknown, Pod]) => {
      written.push(args[3].status?.phase);
      return patch(...args);
    },
  });
  await create('web', { containers: [container('app')] });
  const web = await ready('web');
  t.same(written, ['Running']);
  t.match(web?.status?.containerStatuses, [{ ready: true, started: true }]);
  await create('waits', {
    containers: [mounting('app', ['v'])],
    volumes: [{ name: 'v', configMap: { name: 'none' } }],
  });
  await clock.armed(400);
  clock.advance(400);
  t.ok(await until('waits', (pod) => pod?.status?.phase === 'Pending' && pod.status.hostIP !== undefined));
});

t.test('a deletion stops with grace, releases everything and removes the object', async (t) => {
  const { create, ready, until, runtime, network, client, rootDir } = await setUp(t);
  await create('web', { containers: [container('app')] });
  await ready('web');
  await client.delete(pods, 'shop/web');
  await until('web', (pod) => pod === undefined);
  t.ok(runtime.calls.includes('stop k8s_app_web_shop_uid-web_0 5'));
  t.same(await runtime.list(), []);
  t.equal(network.taken.size, 0);
  t.same(await readdir(join(rootDir, 'pods')), []);
});

t.test(
  'a deletion waits for containers that are being created, so that nothing appears after the removal',
  async (t) => {
    const { create, runtime, client, rootDir } = await setUp(t);
    const entered = Promise.withResolvers<void>();
    const mayCreate = Promise.withResolvers<void>();
    const make = runtime.create.bind(runtime);
    runtime.create = async (spec) => {
      if (!spec.name.startsWith('k8s_slow_')) return make(spec);
      entered.resolve();
      await mayCreate.promise;
      return make(spec);
    };
    // A pull that never ends. Pods share a pull, so the deletion of one pod does not end it.
    runtime.pull = () => new Promise(() => {});
    await create('web', { containers: [container('slow'), container('pulls', { image: 'far.test/app:2' })] });
    await entered.promise;
    await client.delete(pods, 'shop/web', { gracePeriodSeconds: 0 });
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    t.same(await readdir(join(rootDir, 'pods')), ['uid-web']);
    mayCreate.resolve();
    while ((await readdir(join(rootDir, 'pods'))).length > 0) await new Promise((resolve) => setImmediate(resolve));
    t.same(await runtime.list(), []);
  },
);

t.test(
  'a container that is being ended stays ready, so that Services without other endpoints still lead to it',
  async (t) => {
    const { create, ready, until, runtime, client } = await setUp(t);
    runtime.deaf = true;
    await create('web', { containers: [container('app')] });
    await ready('web');
    await client.delete(pods, 'shop/web', { gracePeriodSeconds: 300 });
    while (!runtime.calls.includes('stop k8s_app_web_shop_uid-web_0 300'))
      await new Promise((resolve) => setImmediate(resolve));
    await client.patch(pods, 'shop/web', 'merge', { metadata: { labels: { seen: 'yes' } } });
    for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
    const ending = await until('web', (pod) => pod?.metadata?.labels?.['seen'] === 'yes');
    t.match(ending?.status?.containerStatuses, [{ ready: true }]);
    t.match(
      ending?.status?.conditions?.find((condition) => condition.type === 'Ready'),
      { status: 'True' },
    );
    await client.delete(pods, 'shop/web', { gracePeriodSeconds: 0 });
    await until('web', (pod) => pod === undefined);
  },
);

t.test('a container that is being ended stays ready over a restart of the kubelet', async (t) => {
  const { create, ready, until, runtime, client, restart } = await setUp(t);
  runtime.deaf = true;
  await create('web', { containers: [container('app')] });
  await ready('web');
  const stops = () => runtime.calls.filter((call) => call.startsWith('stop k8s_app_web_shop_uid-web_0')).length;
  const stopped = async (count: number) => {
    while (stops() < count) await new Promise((resolve) => setImmediate(resolve));
  };
  await client.delete(pods, 'shop/web', { gracePeriodSeconds: 300 });
  await stopped(1);
  await restart();
  await stopped(2);
  await client.patch(pods, 'shop/web', 'merge', { metadata: { labels: { seen: 'yes' } } });
  await create('new', { containers: [container('app')] });
  await ready('new');
  const ending = await until('web', (pod) => pod?.metadata?.labels?.['seen'] === 'yes');
  t.match(ending?.status?.containerStatuses, [{ ready: true, started: true }]);
  t.match(
    ending?.status?.conditions?.find(({ type }) => type === 'Ready'),
    { status: 'True' },
  );
  await client.delete(pods, 'shop/web', { gracePeriodSeconds: 0 });
  await until('web', (pod) => pod === undefined);
});

t.test('a second deletion without grace cuts the first one short', async (t) => {
  const { create, ready, until, runtime, client } = await setUp(t);
  runtime.deaf = true;
  await create('web', { containers: [container('app')] });
  await ready('web');
  await client.delete(pods, 'shop/web', { gracePeriodSeconds: 300 });
  while (!runtime.calls.includes('stop k8s_app_web_shop_uid-web_0 300'))
    await new Promise((resolve) => setImmediate(resolve));
  await client.delete(pods, 'shop/web', { gracePeriodSeconds: 0 });
  await until('web', (pod) => pod === undefined);
  while ((await runtime.list()).length > 0) await new Promise((resolve) => setImmediate(resolve));
  t.pass('the containers are gone while the clock stands still');
});

t.test('changes during a write of volumes are written too', async (t) => {
  const { create, ready, client, mounts, rootDir } = await setUp(t);
  const put = (name: string, text: string) =>
    client.create(secrets, {
      metadata: { name, namespace: 'shop' },
      data: { key: Buffer.from(text).toString('base64') },
    });
  await put('removed', 'old');
  await put('changed', 'old');
  const names = ['removed', 'changed', 'created'];
  const volumes = names.map((name) => ({ name, secret: { secretName: name, optional: true } }));
  await create('web', { containers: [mounting('app', names)], volumes });
  await ready('web');
  const shown = async () => {
    const dir = join(rootDir, 'pods/uid-web/volumes/kubernetes.io~secret');
    return Promise.all(names.map((name) => readFile(join(dir, name, 'key'), 'utf8').catch(() => 'none')));
  };
  t.same(await shown(), ['old', 'old', 'none']);
  const entered = Promise.withResolvers<void>();
  const mayGoOn = Promise.withResolvers<void>();
  mounts.ensureTmpfs = () => {
    entered.resolve();
    return mayGoOn.promise;
  };
  await client.delete(secrets, 'shop/removed');
  await entered.promise;
  await client.patch(secrets, 'shop/changed', 'merge', { data: { key: Buffer.from('new').toString('base64') } });
  await put('created', 'new');
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  mayGoOn.resolve();
  while ((await shown()).join() !== 'none,new,new') await new Promise((resolve) => setImmediate(resolve));
  t.pass('no other change of the pod was needed');
});

t.test('a crashing container is restarted after its back-off', async (t) => {
  const { create, ready, waiting, runtime, clock, until } = await setUp(t);
  await create('web', { containers: [container('app')] });
  await ready('web');
  const crash = () => runtime.end(runtime.byName('uid-web', 'app')!.record.id, 1);
  crash();
  await until(
    'web',
    (pod) => pod?.status?.containerStatuses?.[0]?.restartCount === 1 && pod.status.containerStatuses[0].ready,
  );
  crash();
  const waits = await waiting('web', 'CrashLoopBackOff');
  t.match(waits?.status?.containerStatuses?.[0], {
    restartCount: 1,
    state: { waiting: { message: 'back-off 10s restarting failed container=app pod=web_shop(uid-web)' } },
    lastState: { terminated: { exitCode: 1 } },
  });
  clock.advance(10_000);
  const again = await until('web', (pod) => pod?.status?.containerStatuses?.[0]?.restartCount === 2);
  t.ok(again);
});

t.test('the status names missing configuration, and the pod starts when it is created', async (t) => {
  const { create, ready, waiting, client } = await setUp(t);
  const env = [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'a' } } }];
  await create('web', { containers: [container('app', { env })] });
  const waits = await waiting('web', 'CreateContainerConfigError');
  t.equal(waits?.status?.containerStatuses?.[0]?.state?.waiting?.message, 'configmap "cfg" not found');
  await client.create(configMaps, { metadata: { name: 'cfg', namespace: 'shop' }, data: { a: '1' } });
  t.equal((await ready('web'))?.status?.containerStatuses?.[0]?.restartCount, 0);
});

t.test('image failures have upstream reasons, and the pull is tried again', async (t) => {
  const { create, ready, waiting, runtime, clock } = await setUp(t);
  await create('web', { containers: [container('app', { image: 'far.test/app:2' })] });
  await waiting('web', 'ErrImagePull');
  clock.advance(3_000);
  const waits = await waiting('web', 'ImagePullBackOff');
  t.match(
    waits?.status?.containerStatuses?.[0]?.state?.waiting?.message,
    /^Back-off pulling image "far.test\/app:2": ErrImagePull: /,
  );
  runtime.registry.set('far.test/app:2', {
    id: 'sha256:far',
    tags: [],
    digests: ['far.test/app@sha256:1'],
    sizeBytes: 7,
    user: '',
  });
  clock.advance(7_000);
  const web = await ready('web');
  t.equal(web?.status?.containerStatuses?.[0]?.imageID, 'docker-pullable://far.test/app@sha256:1');
  await create('never', { containers: [container('app', { image: 'none:1', imagePullPolicy: 'Never' })] });
  await waiting('never', 'ErrImageNeverPull');
  await create('bad', { containers: [container('app', { image: 'UPPER' })] });
  t.ok(await waiting('bad', 'InvalidImageName'));
});

t.test('a node without the pause image pulls it', async (t) => {
  const { create, ready, runtime } = await setUp(t);
  const pause = (await runtime.image('pause:1'))!;
  await runtime.removeImage(pause.id);
  runtime.registry.set('pause:1', pause);
  await create('web', { containers: [container('app')] });
  await ready('web');
  t.same(
    runtime.calls.filter((call) => call.startsWith('pull')),
    ['pull pause:1'],
  );
});

t.test('a start that the runtime refuses counts as a failed run', async (t) => {
  const { create, until, runtime } = await setUp(t);
  runtime.refuseStart.set('app', 'exec: "nope": executable file not found in $PATH');
  await create('web', { containers: [container('app')] });
  const web = await until('web', (pod) => (pod?.status?.containerStatuses?.[0]?.restartCount ?? 0) > 0);
  t.match(web?.status?.containerStatuses?.[0]?.lastState?.terminated, {
    reason: 'StartError',
    exitCode: 128,
    message: /executable file not found/,
  });
});

t.test('a pod that runs once ends as Succeeded and keeps its record', async (t) => {
  const { create, ready, until, runtime, network } = await setUp(t);
  await create('job', { restartPolicy: 'Never', containers: [container('app')] });
  await ready('job');
  runtime.end(runtime.byName('uid-job', 'app')!.record.id, 0);
  const done = await until('job', (pod) => pod?.status?.phase === 'Succeeded');
  t.match(done?.status?.containerStatuses?.[0]?.state, { terminated: { exitCode: 0, reason: 'Completed' } });
  while (network.taken.size > 0) await new Promise((resolve) => setImmediate(resolve));
  t.equal(runtime.byName('uid-job', 'app')?.record.state, 'exited');
});

t.test('a pod that has ended holds its volumes no longer, and keeps its other files', async (t) => {
  const { create, ready, until, runtime, rootDir, deps } = await setUp(t);
  const { volumes } = deps();
  const release = volumes.release.bind(volumes);
  const released = Promise.withResolvers<void>();
  let calls = 0;
  volumes.release = async (uid) => {
    calls++;
    await release(uid);
    released.resolve();
  };
  const podDir = join(rootDir, 'pods/uid-job');
  await create('job', {
    restartPolicy: 'Never',
    volumes: [{ name: 'v', emptyDir: {} }],
    containers: [mounting('app', ['v']), container('other')],
  });
  await ready('job');
  t.ok((await readdir(podDir)).includes('volumes'));
  runtime.end(runtime.byName('uid-job', 'app')!.record.id, 0);
  await until('job', (pod) => pod?.status?.containerStatuses?.some(({ state }) => state?.terminated) ?? false);
  await turns();
  t.equal(calls, 0, 'one container still runs');
  runtime.end(runtime.byName('uid-job', 'other')!.record.id, 0);
  await until('job', (pod) => pod?.status?.phase === 'Succeeded');
  await released.promise;
  t.notOk((await readdir(podDir)).includes('volumes'));
  t.ok((await readdir(podDir)).includes('etc-hosts'));
  t.equal(runtime.byName('uid-job', 'app')?.record.state, 'exited');
});

t.test('a pod past its deadline fails, and stays Failed', async (t) => {
  const { create, ready, until, runtime, restart, clock, network, reasons } = await setUp(t);
  await create('web', { activeDeadlineSeconds: 60, containers: [container('app')] });
  await ready('web');
  await clock.armed(60_000);
  clock.advance(60_000);
  const failed = await until('web', (pod) => pod?.status?.phase === 'Failed');
  const message = 'Pod was active on the node longer than the specified deadline';
  t.match(failed?.status, { reason: 'DeadlineExceeded', message });
  while (network.taken.size > 0) await new Promise((resolve) => setImmediate(resolve));
  t.equal(runtime.byName('uid-web', 'app')?.record.state, 'exited');
  t.equal((await reasons()).filter((reason) => reason === 'DeadlineExceeded').length, 1);
  const starts = runtime.calls.filter((call) => /^start .*_web_/.test(call)).length;
  await restart();
  await create('new', { containers: [container('app')] });
  const after = await ready('new').then(() => until('web', () => true));
  t.match(after?.status, { phase: 'Failed', reason: 'DeadlineExceeded' });
  t.equal(runtime.calls.filter((call) => /^start .*_web_/.test(call)).length, starts);
});

t.test('a status that another client has overwritten is written again', async (t) => {
  const { create, ready, client } = await setUp(t);
  await create('web', { containers: [container('app')] });
  await ready('web');
  // As the node controller writes it to the pods of a disconnected node.
  const status = { conditions: [{ type: 'Ready', status: 'False' }] };
  await client.patch(pods, 'shop/web', 'strategic', { status }, { subresource: 'status' });
  t.ok(await ready('web'));
});

t.test('a lost sandbox is created again, with a new address', async (t) => {
  const { create, ready, until, runtime, reasons } = await setUp(t);
  await create('web', { containers: [container('app')] });
  const before = (await ready('web'))?.status?.podIP;
  runtime.end(runtime.byName('uid-web', 'POD')!.record.id, 137);
  const after = await until('web', (pod) => {
    const { podIP, containerStatuses } = pod?.status ?? {};
    return podIP !== undefined && podIP !== before && containerStatuses?.[0]?.ready === true;
  });
  t.same(after?.status?.podIPs, [{ ip: after?.status?.podIP }]);
  t.equal(after?.status?.containerStatuses?.[0]?.restartCount, 1);
  t.ok((await reasons()).includes('SandboxChanged'));
});

t.test('init containers run before the app', async (t) => {
  const { create, ready, until, runtime } = await setUp(t);
  await create('web', { initContainers: [container('init')], containers: [container('app')] });
  const initializing = await until(
    'web',
    (pod) => pod?.status?.initContainerStatuses?.[0]?.state?.running !== undefined,
  );
  t.equal(initializing?.status?.phase, 'Pending');
  t.equal(initializing?.status?.containerStatuses?.[0]?.state?.waiting?.reason, 'PodInitializing');
  runtime.end(runtime.byName('uid-web', 'init')!.record.id, 0);
  t.ok(await ready('web'));
});

t.test('a pod with a forbidden sysctl fails and never runs', async (t) => {
  const { create, until, ready, runtime, reasons } = await setUp(t);
  const sysctls = (name: string) => ({ securityContext: { sysctls: [{ name, value: '1' }] } });
  await create('unsafe', { containers: [container('app')], ...sysctls('kernel.msgmax') });
  const unsafe = await until('unsafe', (pod) => pod?.status?.phase === 'Failed');
  t.match(unsafe?.status, {
    reason: 'SysctlForbidden',
    message: 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted',
    qosClass: 'BestEffort',
  });
  t.equal(unsafe?.status?.containerStatuses, undefined);
  t.same(await reasons(), ['SysctlForbidden']);
  await create('allowed', { containers: [container('app')], ...sysctls('net/core/somaxconn') });
  await ready('allowed');
  t.same(runtime.byName('uid-allowed', 'POD')?.spec.sysctls, { 'net.core.somaxconn': '1' });
  t.notOk(runtime.calls.some((call) => call.includes('unsafe')));
});

t.test('readiness and liveness by exec', async (t) => {
  const { create, until, ready, runtime, clock } = await setUp(t);
  let healthy = false;
  runtime.onExec = () => ({ output: 'no', code: healthy ? 0 : 1 });
  const probe = { exec: { command: ['check'] }, periodSeconds: 1, failureThreshold: 1, timeoutSeconds: 60 };
  await create('web', { containers: [container('app', { readinessProbe: probe })] });
  const running = await until('web', (pod) => pod?.status?.containerStatuses?.[0]?.started === true);
  t.equal(running?.status?.containerStatuses?.[0]?.ready, false);
  healthy = true;
  await clock.armed(1_000);
  clock.advance(1_000);
  t.ok(await ready('web'));
});

t.test('a ConfigMap volume follows its object', async (t) => {
  const { create, ready, client, rootDir } = await setUp(t);
  await client.create(configMaps, { metadata: { name: 'cfg', namespace: 'shop' }, data: { a: 'one' } });
  const volumes = [{ name: 'v', configMap: { name: 'cfg' } }];
  await create('web', { volumes, containers: [container('app', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })] });
  await ready('web');
  const file = join(rootDir, 'pods/uid-web/volumes/kubernetes.io~configmap/v/a');
  t.equal(await readFile(file, 'utf8'), 'one');
  await client.patch(configMaps, 'shop/cfg', 'merge', { data: { a: 'two' } });
  while ((await readFile(file, 'utf8')) !== 'two') await new Promise((resolve) => setImmediate(resolve));
});

t.test('a sandbox that cannot be created is reported, and tried again', async (t) => {
  const { create, ready, runtime, network, clock, reasons } = await setUp(t);
  const make = runtime.create.bind(runtime);
  runtime.create = () => Promise.reject(new Error('no space left'));
  await create('web', { containers: [container('app')] });
  while (!(await reasons()).includes('FailedCreatePodSandBox')) await turns();
  await turns();
  t.equal(network.taken.size, 0, 'its address is free again');
  runtime.create = make;
  clock.advance(60_000);
  t.match((await ready('web'))?.status, { phase: 'Running' });
});

t.test('a closed worker starts nothing more, and its containers keep running', async (t) => {
  const { create, ready, runtime, deps } = await setUp(t);
  const worker = new PodWorker({ ...deps(), admit, finished: () => t.fail('the pod is not removed') }, identity);
  const other = await create('web', { containers: [container('app')] });
  await ready('web');
  const calls = runtime.calls.length;
  worker.close();
  worker.update({ ...other, metadata: { ...other.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } });
  worker.retryNow();
  await turns();
  t.equal(runtime.calls.length, calls);
  t.equal(runtime.byName('uid-web', 'app')?.record.state, 'running');
});

t.test('containers of a machine that goes down end in their order, and the pod stays', async (t) => {
  const { create, ready, runtime, client, deps } = await setUp(t);
  const proxy = container('proxy', { restartPolicy: 'Always' } as Partial<Container>);
  const web = await create('web', {
    terminationGracePeriodSeconds: 60,
    initContainers: [proxy],
    containers: [container('app')],
  });
  await ready('web');
  const worker = new PodWorker({ ...deps(), admit, finished: () => t.fail('the pod is not removed') }, identity);
  worker.update(web);
  worker.close();
  await worker.endContainers(15);
  t.same(
    runtime.calls.filter((call) => call.startsWith('stop')),
    ['stop k8s_app_web_shop_uid-web_0 15', 'stop k8s_proxy_web_shop_uid-web_0 15', 'stop k8s_POD_web_shop_uid-web_0 0'],
  );
  t.ok(await client.get(pods, 'shop/web'));
});
