import t from 'tap';
import type { EndpointSlice, Pod, Service } from '../../controlplane/api';
import { chooseEnds, choosePort, isFault, type ServiceObjects } from './service-check';

const service = (spec: object = {}): Service =>
  ({
    metadata: { namespace: 'shop', name: 'web' },
    spec: {
      clusterIP: '10.96.3.7',
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      ...spec,
    },
  }) as unknown as Service;
const pod = (name: string, labels: object, more: { ready?: boolean; ports?: object[]; status?: object } = {}): Pod =>
  ({
    metadata: { namespace: 'shop', name, labels },
    spec: { nodeName: 'w1', containers: [{ name: 'main', ports: more.ports ?? [] }] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
      ...more.status,
    },
  }) as unknown as Pod;
const slice = (endpoints: object[], ports: object[] = [{ name: 'http', port: 8080, protocol: 'TCP' }]): EndpointSlice =>
  ({ addressType: 'IPv4', endpoints, ports, metadata: {} }) as unknown as EndpointSlice;
const ready = {
  addresses: ['10.244.1.5'],
  conditions: { ready: true },
  nodeName: 'w1',
  targetRef: { kind: 'Pod', namespace: 'shop', name: 'web-0' },
};
const web = pod('web-0', { app: 'web' });

const faultOf = (objects: Partial<ServiceObjects>) => {
  const all = { service: service(), slices: [], pods: [], ...objects };
  return chooseEnds(all, all.service.spec!.ports![0]!, 4).hop.fault;
};

t.test('ready endpoints', async (t) => {
  const { hop, ends } = chooseEnds(
    { service: service(), slices: [slice([ready])], pods: [web] },
    service().spec!.ports![0]!,
    4,
  );
  t.match(hop, { state: 'passes', name: 'Service shop/web:http' });
  t.same(ends, [{ address: '10.244.1.5', port: 8080, node: 'w1', pod: 'shop/web-0', ready: true }]);
});

t.test('why there are none', async (t) => {
  t.match(faultOf({ pods: [pod('x', { app: 'wbe' })] }), {
    code: 'SelectorMatchesNothing',
    message: /pod x has app=wbe/,
  });
  t.match(
    faultOf({
      pods: [
        pod(
          'x',
          { app: 'web' },
          { ready: false, status: { containerStatuses: [{ name: 'main', ready: false, state: { running: {} } }] } },
        ),
      ],
    }),
    {
      code: 'NotReady',
      message: /container main runs, but its readiness probe does not succeed/,
    },
  );
  t.match(
    faultOf({
      pods: [
        pod(
          'x',
          { app: 'web' },
          {
            ready: false,
            status: {
              containerStatuses: [{ name: 'main', ready: false, state: { waiting: { reason: 'CrashLoopBackOff' } } }],
            },
          },
        ),
      ],
    }),
    {
      code: 'NotReady',
      message: /CrashLoopBackOff/,
    },
  );
  const named = service({ ports: [{ port: 80, targetPort: 'web' }] });
  t.match(faultOf({ service: named, pods: [pod('x', { app: 'web' }, { ports: [{ name: 'http' }] })] }), {
    code: 'NamedPortMissing',
    message: /they have http/,
  });
  t.match(faultOf({ pods: [web] }), { code: 'SlicesBehind' });
  t.match(faultOf({ service: service({ selector: undefined }) }), { code: 'NoEndpoints', message: /no selector/ });
  const workloads = [{ kind: 'deployment', name: 'web', replicas: 0, labels: { app: 'web' } }];
  t.match(faultOf({ workloads }), {
    code: 'ScaledToZero',
    remedy: 'kubectl scale -n shop deployment web --replicas=1',
  });
  const published = service({ publishNotReadyAddresses: true });
  t.match(
    faultOf({ service: published, slices: [slice([ready])], pods: [pod('web-0', { app: 'web' }, { ready: false })] }),
    {
      code: 'NotReadyPublished',
    },
  );
});

t.test('endpoints that terminate count when no other is ready', async (t) => {
  const leaving = { ...ready, conditions: { ready: false, serving: true, terminating: true } };
  const { hop, ends } = chooseEnds(
    { service: service(), slices: [slice([leaving])], pods: [web] },
    service().spec!.ports![0]!,
    4,
  );
  t.equal(hop.state, 'passes');
  t.match(ends, [{ address: '10.244.1.5' }]);
});

t.test('the port', async (t) => {
  const two = service({
    ports: [
      { name: 'a', port: 80 },
      { name: 'b', port: 81 },
    ],
  });
  const chosen = (of: Service, wanted: Parameters<typeof choosePort>[1]) => {
    const found = choosePort(of, wanted);
    return isFault(found) ? found.code : found.port;
  };
  t.equal(chosen(service(), {}), 80, 'the only one');
  t.equal(chosen(two, { port: 'b' }), 81);
  t.equal(chosen(two, {}), 'PortNotNamed');
  t.equal(chosen(two, { port: 8080 }), 'NoSuchPort');
  t.equal(chosen(service(), { port: 80, protocol: 'udp' }), 'NoSuchPort');
  const both = service({
    ports: [
      { name: 'u', port: 53, protocol: 'UDP' },
      { name: 't', port: 53, protocol: 'TCP' },
    ],
  });
  t.match(choosePort(both, { port: 53 }), { name: 't' }, 'TCP first');
  t.match(choosePort(both, { port: 53, protocol: 'udp' }), { name: 'u' });
});

t.test('pods that wait for something else than a probe, or have ended', async (t) => {
  const containerStatuses = [{ name: 'main', ready: true, state: { running: {} } }];
  const waiting = (spec: object, status: object) => {
    const one = pod('x', { app: 'web' }, { ready: false, status });
    return faultOf({ pods: [{ ...one, spec: { ...one.spec, ...spec } } as Pod] });
  };
  t.match(waiting({ readinessGates: [{ conditionType: 'example.com/up' }] }, { containerStatuses }), {
    code: 'NotReady',
    message: /readiness gate example\.com\/up is not True/,
  });
  const init = (state: object, more: object = {}) => ({ initContainerStatuses: [{ name: 'db', state, ...more }] });
  t.match(waiting({}, init({ running: {} })), { message: /init container db still runs/ });
  t.match(waiting({}, init({ terminated: { exitCode: 3 } })), {
    message: /init container db has ended with exit code 3/,
  });
  const sidecar = { initContainers: [{ name: 'db', restartPolicy: 'Always' }] };
  t.notMatch(waiting(sidecar, init({ running: {} }, { started: true }))?.message, /init container/);
  t.match(waiting({}, { containerStatuses }), { message: /node w1 may be down/ });
  t.match(faultOf({ pods: [pod('x', { app: 'web' }, { ready: false, status: { phase: 'Succeeded' } })] }), {
    code: 'NotReady',
    message: /have ended: pod x is in phase Succeeded/,
  });
});

t.test('a slice written by hand with another name for the port', async (t) => {
  const misnamed = { ...slice([ready], [{ name: 'web', port: 8080 }]), metadata: { name: 'mine' } };
  t.match(faultOf({ service: service({ selector: undefined }), slices: [misnamed] }), {
    code: 'NoEndpoints',
    message: /EndpointSlice mine has no port named "http".*"web"/,
  });
});

t.test('a port without a protocol is one of TCP', async (t) => {
  const dns = service({ ports: [{ name: 'dns', port: 53, protocol: 'UDP' }] });
  t.match(choosePort(dns, { port: 53 }), { code: 'NoSuchPort', remedy: /svc\/web:53\/udp$/ });
  t.match(choosePort(dns, { port: 'dns' }), { port: 53 }, 'a name says which');
  t.match(choosePort(dns, {}), { port: 53 }, 'the only one');
  t.match(choosePort(dns, { port: 53, protocol: 'udp' }), { port: 53 });
});

t.test('slices written by hand that no one can use', async (t) => {
  const byHand = service({ selector: undefined });
  const named = (one: EndpointSlice) => ({ ...one, metadata: { name: 'mine' } });
  t.match(faultOf({ service: byHand, slices: [named(slice([{ ...ready, conditions: { ready: false } }]))] }), {
    message: /EndpointSlice mine says of all its endpoints that they are not ready/,
    remedy: 'kubectl edit endpointslice -n shop mine',
  });
  const six = { ...slice([{ addresses: ['fd00::5'] }]), addressType: 'IPv6' } as EndpointSlice;
  t.match(faultOf({ service: byHand, slices: [named(six)] }), {
    message: /has addresses of IPv6, and clients ask by IPv4/,
  });
});

t.test('a container that has not started yet', async (t) => {
  const starting = pod(
    'web-0',
    { app: 'web' },
    {
      ready: false,
      status: { containerStatuses: [{ name: 'main', ready: false, started: false, state: { running: {} } }] },
    },
  );
  Object.assign(starting.spec!.containers[0]!, { startupProbe: { tcpSocket: { port: 1 } } });
  t.match(faultOf({ pods: [starting] }), { message: /its startup probe does not succeed/ });
});
