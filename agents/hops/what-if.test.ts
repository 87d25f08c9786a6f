// The inputs of kube-proxy with changed objects. That rules follow from them, test/kernel/what-if.test.ts says.
import t from 'tap';
import type { RuleInputs } from '../../dataplane/what-if/inputs';
import { service } from '../../test/lib/service-fixture';
import { changedInputs } from './what-if';

const key = 'shop/web';
const pod = {
  key: 'shop/a',
  namespace: 'shop',
  labels: { app: 'a' },
  addresses: ['10.0.0.1'],
  local: true,
  ports: [],
  ending: false,
};
const server = {
  key: 'kube-system/kube-dns',
  namespace: 'kube-system',
  labels: {},
  addresses: [],
  ports: [],
  endpoints: [],
};
const inputs: RuleInputs = {
  mode: 'iptables',
  nodeName: 'n1',
  families: [
    {
      family: 4,
      facts: { clusterCidr: '10.244.0.0/16' },
      services: new Map([
        [key, service(key, '10.96.0.1')],
        ['shop/db', service('shop/db', '10.96.0.2')],
        ['pod:shop/x', service('pod:shop/x', '10.96.0.3')],
      ]),
    },
  ],
  policies: {
    families: [4],
    podRanges: [],
    servers: [server],
    policies: [{ key: 'shop/deny', namespace: 'shop', pods: [], ingress: [] }],
    pods: [pod, { ...pod, key: 'shop/b' }],
    namespaces: [{ name: 'shop', labels: {} }],
  },
};
const web = {
  metadata: { name: 'web', namespace: 'shop' },
  spec: { clusterIP: '10.96.0.1', ports: [{ port: 81, protocol: 'TCP' }] },
};
const slice = {
  metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ port: 8080, protocol: 'TCP' }],
  endpoints: [{ addresses: ['10.244.1.5'], conditions: { ready: true }, nodeName: 'n1' }],
};

t.test('a changed Service stands in its place, others stay', async (t) => {
  const { families } = changedInputs(inputs, { services: [{ service: web, slices: [slice] }] });
  t.strictSame([...families[0]!.services.keys()], [key, 'shop/db', 'pod:shop/x']);
  t.match(families[0]!.services.get(key), {
    ports: [{ port: 81, endpoints: [{ address: '10.244.1.5', port: 8080, local: true }] }],
  });
});

t.test('a Service without rules, and objects that go', async (t) => {
  const headless = { ...web, spec: { ...web.spec, clusterIP: 'None' } };
  const { families, policies } = changedInputs(inputs, {
    services: [{ service: headless, slices: [] }],
    gone: { services: ['shop/db'], policies: ['shop/deny'], pods: ['shop/b'] },
  });
  t.strictSame([...families[0]!.services.keys()], ['pod:shop/x']);
  t.strictSame(policies.policies, []);
  t.strictSame(
    policies.pods?.map((one) => one.key),
    ['shop/a'],
  );
});

t.test('policies, pods and namespaces', async (t) => {
  const { policies } = changedInputs(inputs, {
    policies: [{ metadata: { name: 'allow', namespace: 'shop' }, spec: { podSelector: {} } }],
    pods: [
      {
        metadata: { name: 'a', namespace: 'shop', labels: { app: 'z' } },
        spec: { nodeName: 'n2' },
        status: { podIP: '10.0.0.1', phase: 'Running' },
      },
      { metadata: { name: 'b', namespace: 'shop' }, status: { phase: 'Succeeded', podIP: '10.0.0.2' } },
    ],
    namespaces: [{ metadata: { name: 'shop', labels: { team: 'x' } } }],
  });
  t.strictSame(
    policies.policies.map((one) => one.key),
    ['shop/deny', 'shop/allow'],
  );
  t.match(policies.pods, [{ key: 'shop/a', labels: { app: 'z' }, local: false }]);
  t.equal(policies.pods?.length, 1, 'one that has ended is none');
  t.strictSame(policies.namespaces, [{ name: 'shop', labels: { team: 'x' } }]);
});

t.test('a policy that cannot be read allows nothing; a DNS server without a Service is none', async (t) => {
  const broken = { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: 'x' } }] }] };
  const { policies } = changedInputs(inputs, {
    policies: [{ metadata: { name: 'broken', namespace: 'shop' }, spec: broken }],
    gone: { services: ['kube-system/kube-dns'] },
  });
  t.match(policies.policies[1], { key: 'shop/broken', ingress: [] });
  t.strictSame(policies.servers, []);
});
