// The kubelet with real Docker, real wires and an API in memory.

import t from 'tap';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { configMaps, type Node, nodes, type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { busybox } from '../lib/busybox';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod as pod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(240_000);

t.test('kubelet', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  let running = await startKubelet(client, dockerd);
  scope.defer(() => running.stop());
  await assignPodCidr(client);
  const image = dockerd.image;
  const ready = (name: string) => client.until<Pod>(pods, `default/${name}`, isReady);
  const shell = (name: string, script: string, more: object = {}) => ({
    name,
    image,
    imagePullPolicy: 'Never',
    command: ['/bin/sh', '-c', script],
    ...more,
  });
  const until = (name: string, test: (object: Pod | undefined) => boolean) =>
    client.until<Pod>(pods, `default/${name}`, test);

  await t.test('a pod becomes ready with an address of the node range', async (t) => {
    await client.create(pods, pod('web', { containers: [shell('c', 'exec sleep 1000')] }));
    const web = await ready('web');
    t.match(web?.status?.podIP, /^10\.244\.7\.\d+$/);
    t.equal(web?.status?.phase, 'Running');
    t.match(await dockerd.netns.run(busybox, 'ping', '-c1', '-W2', web!.status!.podIP!), /1 packets received/);
  });

  await t.test('a restarted kubelet changes no container and no address', async (t) => {
    const before = await ready('web');
    await running.stop();
    running = await startKubelet(client, dockerd);
    await client.create(pods, pod('second', { containers: [shell('c', 'exec sleep 1000')] }));
    const second = await ready('second');
    const after = await ready('web');
    t.equal(after?.status?.podIP, before?.status?.podIP);
    t.equal(after?.status?.containerStatuses?.[0]?.containerID, before?.status?.containerStatuses?.[0]?.containerID);
    t.not(second?.status?.podIP, after?.status?.podIP);
  });

  await t.test('a container sees its own names, files and limits', async (t) => {
    await client.create(configMaps, { metadata: { name: 'cfg', namespace: 'default' }, data: { a: 'one' } });
    const seen = shell('c', 'exec sleep 1000', {
      env: [{ name: 'ME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      resources: { limits: { memory: '32Mi' } },
      securityContext: { runAsUser: 1234, readOnlyRootFilesystem: true },
      volumeMounts: [
        { name: 'cfg', mountPath: '/cfg' },
        { name: 'mem', mountPath: '/mem' },
      ],
    });
    const volumes = [
      { name: 'cfg', configMap: { name: 'cfg' } },
      { name: 'mem', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    ];
    const securityContext = { supplementalGroups: [60000] };
    const containers = [seen];
    await client.create(
      pods,
      pod('inside', { hostname: 'inn', subdomain: 'sub', securityContext, volumes, containers }),
    );
    const inside = await ready('inside');
    // In the same write as Ready. The image knows no such user, so its group is root's.
    t.same(inside?.status?.containerStatuses?.[0]?.user, {
      linux: { uid: 1234, gid: 0, supplementalGroups: [0, 60000] },
    });
    const id = inside!.status!.containerStatuses![0]!.containerID!.replace('docker://', '');
    const show = (script: string) => dockerd.docker('exec', id, '/bin/sh', '-c', script);
    t.equal(await show('hostname; id -u; cat /cfg/a; echo $ME'), 'inn\n1234\noneinside\n');
    t.match(await show('cat /etc/hosts'), `${inside?.status?.podIP}\tinn.sub.default.svc.cluster.local\tinn`);
    t.match(
      await show('cat /etc/resolv.conf'),
      /^search default.svc.cluster.local .*\nnameserver 10.96.0.10\noptions ndots:5\n$/,
    );
    t.match(await show('mount'), /tmpfs on \/mem type tmpfs .*size=1024k/);
    t.equal(await dockerd.docker('inspect', '-f', '{{.HostConfig.Memory}}', id), `${32 * 2 ** 20}\n`);
    await client.delete(pods, 'default/inside', { gracePeriodSeconds: 1 });
    await until('inside', (object) => object === undefined);
  });

  await t.test('termination messages: of any user, at any path, and at most a few kB', async (t) => {
    const says = (name: string, script: string, terminationMessagePath: string, more: object = {}) =>
      shell(name, script, { terminationMessagePath, securityContext: { runAsUser: 1234 }, ...more });
    await client.create(
      pods,
      pod('words', {
        restartPolicy: 'Never',
        containers: [
          says('own', 'printf DONE >/own/place; exit 3', '/own/place'),
          says('relative', 'printf DONE >/x', '../../x'),
          says('hosts', 'printf DONE >/etc/hosts', '/etc/hosts'),
          says('sparse', 'truncate -s 1900M /dev/termination-log', '/dev/termination-log'),
          says('fallback', 'echo said; exit 4', '/own', { terminationMessagePolicy: 'FallbackToLogsOnError' }),
        ],
      }),
    );
    const over = await until('words', (object) => object?.status?.phase === 'Failed');
    const ends = over!.status!.containerStatuses!.map(({ name, state }) => {
      const { exitCode, message = '' } = state!.terminated!;
      return [name, `${exitCode} ${message.replaceAll('\0', '').trimEnd()}`];
    });
    t.same(Object.fromEntries(ends), {
      own: '3 DONE',
      relative: '0 DONE',
      hosts: '0 DONE',
      sparse: '0 ',
      fallback: '4 said',
    });
    await client.delete(pods, 'default/words', { gracePeriodSeconds: 0 });
  });

  await t.test('Docker ends and starts again: pods are created again and become ready', async (t) => {
    const before = await ready('web');
    await dockerd.restart();
    const after = await until('web', (object) => isReady(object) && object?.status?.podIP !== before?.status?.podIP);
    t.equal(after?.status?.containerStatuses?.[0]?.restartCount, 1);
    t.match(await dockerd.netns.run(busybox, 'ping', '-c1', '-W2', after!.status!.podIP!), /1 packets received/);
  });

  await t.test(
    'when the machine shuts down all containers end, and after its start their pods run again',
    async (t) => {
      await client.create(
        pods,
        pod('down', {
          terminationGracePeriodSeconds: 600,
          containers: [
            // Neither shell forks again: a shell that cannot fork on a busy machine ends by itself, with code 2.
            shell('polite', "trap 'exit 7' TERM; sleep 100000 & wait"),
            shell('stubborn', "trap '' TERM; exec sleep 100000"),
          ],
        }),
      );
      const before = await ready('down');
      await running.stop('machine goes down');
      const runtime = new DockerRuntime(dockerd.host);
      const left = (await runtime.list()).filter(({ state }) => state === 'running');
      t.strictSame(left, [], 'no container runs, and no sandbox');
      running = await startKubelet(client, dockerd);
      const after = await until(
        'down',
        (object) =>
          isReady(object) && object!.status!.containerStatuses!.every(({ restartCount }) => restartCount === 1),
      );
      t.equal(after?.metadata?.uid, before?.metadata?.uid, 'the same pod');
      const exits = after!.status!.containerStatuses!.map(({ name, lastState }) => [
        name,
        lastState?.terminated?.exitCode,
      ]);
      t.strictSame(Object.fromEntries(exits), { polite: 7, stubborn: 137 });
      await ready('web');
      await client.delete(pods, 'default/down', { gracePeriodSeconds: 0 });
    },
  );

  await t.test('a node gets a range of the other family: new pods have both addresses', async (t) => {
    const before = await ready('second');
    await running.stop();
    const podCIDRs = ['10.244.7.0/24', 'fd00:10:244:7::/64'];
    await client.patch(nodes, 'n1', 'merge', { spec: { podCIDRs } });
    running = await startKubelet(client, dockerd, ['192.0.2.1', '2001:db8::1']);
    const env = ['podIPs', 'hostIPs'].map((name) => ({
      name,
      valueFrom: { fieldRef: { fieldPath: `status.${name}` } },
    }));
    await client.create(pods, pod('both', { containers: [shell('c', 'exec sleep 1000', { env })] }));
    await client.create(pods, pod('host', { hostNetwork: true, containers: [shell('c', 'exec sleep 1000')] }));
    const [both, host] = [await ready('both'), await ready('host')];
    const ips = both!.status!.podIPs!.map(({ ip }) => ip!);
    t.match(ips, [/^10\.244\.7\.\d+$/, /^fd00:10:244:7::[0-9a-f]+$/]);
    t.equal(both?.status?.podIP, ips[0]);
    t.same(both?.status?.hostIPs, [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }]);
    t.same(host?.status?.podIPs, [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }]);
    for (const ip of ips) t.match(await dockerd.netns.run(busybox, 'ping', '-c1', '-W2', ip), /1 packets received/);
    const id = both!.status!.containerStatuses![0]!.containerID!.replace('docker://', '');
    const show = (script: string) => dockerd.docker('exec', id, '/bin/sh', '-c', script);
    t.equal(await show('echo $podIPs $hostIPs'), `${ips.join(',')} 192.0.2.1,2001:db8::1\n`);
    t.match(await show('cat /etc/hosts'), ips.map((ip) => `${ip}\tboth\n`).join(''));
    t.match(await client.get<Node>(nodes, 'n1'), {
      status: { addresses: [{ address: '192.0.2.1' }, { address: '2001:db8::1' }, { type: 'Hostname' }] },
    });
    const after = await ready('second');
    t.same(after?.status?.podIPs, before?.status?.podIPs, 'earlier pods keep their single address');
    t.equal(after?.status?.containerStatuses?.[0]?.restartCount, before?.status?.containerStatuses?.[0]?.restartCount);
    for (const name of ['both', 'host']) {
      await client.delete(pods, `default/${name}`, { gracePeriodSeconds: 1 });
      await until(name, (object) => object === undefined);
    }
    t.notMatch(await dockerd.netns.run('ip', '-6', 'neighbour'), new RegExp(ips[1]!));
  });

  await t.test(
    'a Node with another pod range ends the kubelet; its next start gives the pods addresses of it',
    async (t) => {
      const before = (await ready('second'))!.status!;
      const ended = t.rejects(running.ended, { code: 'Conflict', message: /is 10\.244\.9\.0\/24 now/ });
      await client.patch(nodes, 'n1', 'merge', { spec: { podCIDR: '10.244.9.0/24', podCIDRs: ['10.244.9.0/24'] } });
      await ended;
      running = await startKubelet(client, dockerd, ['192.0.2.1']);
      const moved = (name: string) =>
        until(name, (object) => isReady(object) && /^10\.244\.9\./.test(object!.status!.podIP!));
      const [web, second] = [await moved('web'), await moved('second')];
      t.equal(second?.status?.containerStatuses?.[0]?.restartCount, before.containerStatuses![0]!.restartCount! + 1);
      for (const { podIP } of [web!.status!, second!.status!])
        t.match(await dockerd.netns.run(busybox, 'ping', '-c1', '-W2', podIP!), /1 packets received/);
      const addresses = await dockerd.netns.run('ip', '-4', '-o', 'address', 'show', 'cni0');
      t.match(addresses, /inet 10\.244\.9\.1\/24/);
      t.notMatch(addresses, /10\.244\.7\./);
    },
  );

  await t.test('a deleted pod leaves no containers, links or files', async (t) => {
    await client.delete(pods, 'default/web');
    await until('web', (object) => object === undefined);
    t.notMatch(await dockerd.docker('ps', '-aq', '--filter', 'label=io.kubernetes.pod.name=web'), /\w/);
  });
});
