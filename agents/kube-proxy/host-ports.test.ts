// Host ports of pods.
import t from 'tap';
import type { Pod } from '../../controlplane/api';
import { hostPortParts, keyOfPod, podKey, translatePod, wantsHostPorts } from './host-ports';

const pod = (
  ports: object[],
  status: object = { podIP: '10.244.1.5', podIPs: [{ ip: '10.244.1.5' }, { ip: 'fd00::5' }] },
) =>
  ({
    metadata: { name: 'web-0', namespace: 'shop', labels: { app: 'web' } },
    spec: {
      containers: [{ name: 'c', image: 'x', env: [{ name: 'A', value: 'b' }], ports }],
      initContainers: [
        { name: 'sidecar', image: 'x', restartPolicy: 'Always', ports: [{ containerPort: 9100, hostPort: 9100 }] },
        { name: 'once', image: 'x', ports: [{ containerPort: 1, hostPort: 1 }] },
      ],
    },
    status: { phase: 'Running', ...status },
  }) as Pod;
const seen = (one: Pod, family: 4 | 6 = 4) =>
  translatePod(one, family)?.ports.map(
    ({ protocol, hostIp, hostPort, endpoints }) =>
      `${protocol} ${hostIp ?? '*'}:${hostPort} ${endpoints[0]?.address} ${endpoints[0]?.port}`,
  );

t.test('host ports of a pod as ports of a Service, by family', async (t) => {
  const ports = [
    { containerPort: 80, hostPort: 8080, protocol: 'TCP' },
    { containerPort: 53, hostPort: 5300, protocol: 'UDP', hostIP: '192.168.57.11' },
    { containerPort: 54, hostPort: 5400, hostIP: '0.0.0.0' },
    { containerPort: 81 },
  ];
  t.same(seen(pod(ports)), [
    'tcp *:8080 10.244.1.5 80',
    'udp 192.168.57.11:5300 10.244.1.5 53',
    'tcp *:5400 10.244.1.5 54',
    'tcp *:9100 10.244.1.5 9100',
  ]);
  t.same(seen(pod(ports), 6), ['tcp *:8080 fd00::5 80', 'tcp *:5400 fd00::5 54', 'tcp *:9100 fd00::5 9100']);
  const names = translatePod(pod(ports), 4)?.ports.map(({ name, protocol }) => `${name}/${protocol}`) ?? [];
  t.equal(new Set(names).size, names.length, 'each with a name of its own');
  t.same(translatePod(hostPortParts(pod(ports)), 4), translatePod(pod(ports), 4), 'the kept parts are enough');
  t.equal(JSON.stringify(hostPortParts(pod(ports))).includes('env'), false);
});

t.test('pods that have ended, lack an address or share the node network get no host port', async (t) => {
  const ports = [{ containerPort: 80, hostPort: 8080 }];
  t.equal(seen(pod(ports, { phase: 'Succeeded', podIP: '10.244.1.5' })), undefined, 'its containers have ended');
  t.equal(seen(pod(ports, { podIP: undefined })), undefined, 'no address yet');
  const onHost = pod(ports);
  onHost.spec!.hostNetwork = true;
  t.equal(wantsHostPorts(onHost), false, 'the pod listens on the ports of the node itself');
  t.equal(hostPortParts(onHost).spec, undefined);
});

t.test('keys of pods differ from keys of Services', async (t) => {
  t.equal(keyOfPod(podKey('shop/web-0')), 'shop/web-0');
  t.equal(keyOfPod('shop/web'), undefined);
});

t.test('a Service in a namespace called pod is not taken for a pod', async (t) => {
  t.equal(keyOfPod('pod/web'), undefined);
  t.equal(keyOfPod(podKey('pod/web')), 'pod/web');
});
