// Which UDP flows are forgotten on which transition.
import t from 'tap';
import { ScriptedExec } from '../../test/lib/scripted-exec';
import { endpoint, service, servicePort } from '../../test/lib/service-fixture';
import type { Endpoint, ServiceInput } from '../service/input';
import { FlowCleaner } from './cleaner';
import { parseFlow, parseFlows } from './flow';
import { changedFrontends } from './frontends';
import { staleFlows } from './stale';

const node = new Set(['192.168.57.11']);
const isPod = (address: string) => address.startsWith('10.244.');
const line = (destination: string, port: number, backend: string, backendPort = 53) =>
  `udp      17 29 src=10.244.1.2 dst=${destination} sport=40000 dport=${port} [UNREPLIED] src=${backend} dst=10.244.1.2 sport=${backendPort} dport=40000 mark=0 use=1`;
const dns = (backends: readonly string[], changes: Partial<ServiceInput> = {}) =>
  service('shop/dns', '10.96.0.10', {
    ports: [
      servicePort({ protocol: 'udp', port: 53, nodePort: 30053, endpoints: backends.map((ip) => endpoint(ip, 53)) }),
    ],
    ...changes,
  });

const withEndpoints = (...endpoints: readonly Endpoint[]) =>
  service('shop/dns', '10.96.0.10', {
    ports: [servicePort({ protocol: 'udp', port: 53, nodePort: 30053, endpoints })],
  });
const pod = (endpoint: Endpoint): ServiceInput => ({
  key: 'pod/shop/dns-0',
  externalIps: [],
  loadBalancerIps: [],
  internalLocal: false,
  externalLocal: false,
  ports: [servicePort({ protocol: 'udp', port: 53, hostPort: 5300, endpoints: [endpoint] })],
});

t.test('an entry is parsed with both directions', (t) => {
  t.same(parseFlow(line('10.96.0.10', 53, '10.244.1.9')), {
    source: '10.244.1.2',
    sourcePort: 40000,
    destination: '10.96.0.10',
    destinationPort: 53,
    replySource: '10.244.1.9',
    replySourcePort: 53,
  });
  t.equal(
    parseFlow('tcp 6 10 CLOSE src=1.2.3.4 dst=5.6.7.8 sport=1 dport=2 src=5.6.7.8 dst=1.2.3.4 sport=2 dport=1'),
    undefined,
  );
  t.same(parseFlows('\nconntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n'), []);
  t.end();
});

interface Case {
  readonly name: string;
  readonly before: ServiceInput | undefined;
  readonly after: ServiceInput | undefined;
  readonly first?: boolean;
  /** Entries of the table, and whether each must be deleted. */
  readonly flows: readonly (readonly [string, boolean])[];
}
const cases: readonly Case[] = [
  {
    name: 'a backend is removed',
    before: dns(['10.244.1.9', '10.244.2.9']),
    after: dns(['10.244.2.9']),
    flows: [
      [line('10.96.0.10', 53, '10.244.1.9'), true],
      [line('10.96.0.10', 53, '10.244.2.9'), false],
      [line('192.168.57.11', 30053, '10.244.1.9'), true],
      [line('192.168.57.11', 30053, '10.244.2.9'), false],
      [line('192.168.57.11', 30053, '172.17.0.2'), false],
      [line('198.51.100.1', 30053, '10.244.1.9'), false],
      [line('10.96.0.11', 53, '10.244.1.9'), false],
      [line('10.244.1.9', 53, '10.244.1.9'), false],
    ],
  },
  {
    name: 'the last backend is removed',
    before: dns(['10.244.1.9']),
    after: dns([]),
    flows: [
      [line('10.96.0.10', 53, '10.244.1.9'), true],
      [line('10.96.0.10', 53, '10.96.0.10'), false],
    ],
  },
  {
    name: 'from none to one',
    before: dns([]),
    after: dns(['10.244.1.9']),
    flows: [
      [line('10.96.0.10', 53, '10.96.0.10'), true],
      [line('192.168.57.11', 30053, '192.168.57.11', 30053), true],
      [line('198.51.100.1', 30053, '198.51.100.1', 30053), false],
    ],
  },
  {
    name: 'the Service is deleted',
    before: dns(['10.244.1.9']),
    after: undefined,
    flows: [
      [line('10.96.0.10', 53, '10.244.1.9'), true],
      [line('192.168.57.11', 30053, '10.244.1.9'), true],
    ],
  },
  {
    name: 'nothing changes',
    before: dns(['10.244.1.9']),
    after: dns(['10.244.1.9']),
    flows: [[line('10.96.0.10', 53, '10.244.7.7'), false]],
  },
  {
    name: 'the process starts',
    before: undefined,
    after: dns(['10.244.1.9']),
    first: true,
    flows: [
      [line('10.96.0.10', 53, '10.244.1.9'), false],
      [line('10.96.0.10', 53, '10.244.2.9'), true],
      [line('192.168.57.11', 30053, '10.244.1.9'), false],
      [line('192.168.57.11', 30053, '10.244.2.9'), true],
      [line('192.168.57.11', 30053, '172.17.0.2'), false],
      [line('192.168.57.11', 30053, '192.168.57.11', 30053), false],
    ],
  },
  {
    name: 'a change of policy concerns new flows only',
    before: dns(['10.244.2.9']),
    after: dns(['10.244.2.9'], { internalLocal: true, externalLocal: true }),
    flows: [
      [line('10.96.0.10', 53, '10.244.2.9'), false],
      [line('192.168.57.11', 30053, '10.244.2.9'), false],
    ],
  },
  {
    name: 'a terminating backend that still serves keeps its flows',
    before: dns(['10.244.1.9', '10.244.2.9']),
    after: withEndpoints(endpoint('10.244.1.9', 53, { ready: false, terminating: true }), endpoint('10.244.2.9', 53)),
    flows: [[line('10.96.0.10', 53, '10.244.1.9'), false]],
  },
  {
    name: 'a terminating backend that no longer serves loses its flows',
    before: dns(['10.244.1.9', '10.244.2.9']),
    after: withEndpoints(
      endpoint('10.244.1.9', 53, { ready: false, serving: false, terminating: true }),
      endpoint('10.244.2.9', 53),
    ),
    flows: [[line('10.96.0.10', 53, '10.244.1.9'), true]],
  },
  {
    name: 'the port of the backends changes',
    before: dns(['10.244.1.9']),
    after: withEndpoints(endpoint('10.244.1.9', 5353)),
    flows: [
      [line('10.96.0.10', 53, '10.244.1.9'), true],
      [line('10.96.0.10', 53, '10.244.1.9', 5353), false],
    ],
  },
  {
    name: 'the host port of a pod is removed',
    before: pod(endpoint('10.244.1.9', 53, { local: true })),
    after: undefined,
    flows: [
      [line('192.168.57.11', 5300, '10.244.1.9'), true],
      [line('192.168.57.11', 5300, '10.244.1.7'), false],
    ],
  },
];

for (const { name, before, after, first = false, flows } of cases) {
  t.test(name, (t) => {
    const frontends = changedFrontends(before, after, first);
    for (const [text, gone] of flows) {
      t.equal(staleFlows(parseFlows(text), frontends, node, isPod).length, gone ? 1 : 0, text.slice(14, 130));
    }
    t.end();
  });
}

t.test('one command deletes the flows of one frontend and backend', async (t) => {
  const exec = new ScriptedExec([
    {
      argv: 'conntrack -L -f ipv4 -p udp --orig-dst 10.96.0.10 --orig-port-dst 53',
      stdout: `${line('10.96.0.10', 53, '10.244.1.9')}\n${line('10.96.0.10', 53, '10.244.1.9').replace(/40000/g, '40001')}\n`,
    },
    {
      argv: 'conntrack -L -f ipv4 -p udp --orig-port-dst 30053',
      exitCode: 1,
      stderr: 'conntrack v1.4.7: 0 flow entries have been shown.',
    },
    {
      argv: 'conntrack -D -f ipv4 -p udp --orig-dst 10.96.0.10 --orig-port-dst 53 --reply-src 10.244.1.9 --reply-port-src 53',
    },
  ]);
  const cleaner = new FlowCleaner({ exec, family: 4, nodeAddresses: () => node, clusterCidr: '10.244.0.0/16' });
  t.equal(await cleaner.clean(changedFrontends(dns(['10.244.1.9']), dns([]), false)), 2);
  t.same(exec.remaining, []);
  t.equal(await cleaner.clean([]), 0, 'without changes no command runs');
});

t.test('a real failure is thrown', async (t) => {
  const exec = new ScriptedExec([{ argv: /conntrack -L/, exitCode: 1, stderr: 'Operation not permitted' }]);
  const cleaner = new FlowCleaner({ exec, family: 4, nodeAddresses: () => node, clusterCidr: '10.244.0.0/16' });
  await t.rejects(cleaner.clean(changedFrontends(dns(['10.244.1.9']), dns([]), false)), { code: 'CommandFailed' });
});
