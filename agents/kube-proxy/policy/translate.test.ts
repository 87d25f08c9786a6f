import t from 'tap';
import { pod, policy } from '../../../test/lib/policy-fixture';
import { closedPolicy, translatePod, translatePolicy, translateServer } from './translate';

t.test('a NetworkPolicy as a record: peers, ports, directions', async (t) => {
  const record = translatePolicy(
    policy('shop', 'p', {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Ingress'],
      ingress: [
        {
          from: [{ podSelector: {} }, { namespaceSelector: {} }, { ipBlock: { cidr: '10.0.0.0/8' } }],
          ports: [{ port: 'http' }, { protocol: 'UDP', port: 1, endPort: 2 }],
        },
      ],
      egress: [{}],
    }),
  );
  t.strictSame(record, {
    key: 'shop/p',
    namespace: 'shop',
    pods: [{ key: 'app', operator: 'In', values: ['web'] }],
    ingress: [
      {
        peers: [{ pods: [] }, { namespaces: [] }, { cidr: '10.0.0.0/8', except: [] }],
        ports: [
          { protocol: 'tcp', port: 'http' },
          { protocol: 'udp', port: 1, endPort: 2 },
        ],
      },
    ],
  });
  const both = { podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: 'nonsense' } }] }] };
  t.throws(() => translatePolicy(policy('shop', 'p', both)), { code: 'BadRequest' });
  t.strictSame(closedPolicy(policy('shop', 'p', both)), {
    key: 'shop/p',
    namespace: 'shop',
    pods: [],
    ingress: [],
    egress: [],
  });
});

t.test('a pod as a record: canonical addresses, named ports, and which pods have none', async (t) => {
  const facts = { namespace: 'shop', name: 'web', node: 'n1', addresses: ['10.244.1.5', 'FD00:0::5'] };
  t.strictSame(translatePod(pod({ ...facts, labels: { app: 'web' }, ports: { http: 80, 'udp:dns': 53 } }), 'n1'), {
    key: 'shop/web',
    namespace: 'shop',
    labels: { app: 'web' },
    addresses: ['10.244.1.5', 'fd00::5'],
    local: true,
    ports: [
      { name: 'http', protocol: 'tcp', port: 80 },
      { name: 'dns', protocol: 'udp', port: 53 },
    ],
    ending: false,
  });
  const { spec, ...rest } = pod(facts);
  const port = (name: string) => ({ name, image: 'i', ports: [{ name, containerPort: 1 }] });
  const initContainers = [{ ...port('once') }, { ...port('sidecar'), restartPolicy: 'Always' }];
  t.match(translatePod({ ...rest, spec: { ...spec!, initContainers } }, 'n2'), {
    local: false,
    ports: [{ name: 'sidecar', protocol: 'tcp', port: 1 }],
  });
  for (const [name, changes] of Object.entries({
    'on the node’s network': { hostNetwork: true },
    ended: { phase: 'Succeeded' },
    failed: { phase: 'Failed' },
    'without address': { addresses: [] },
  })) {
    t.equal(translatePod(pod({ ...facts, ...changes }), 'n1'), undefined, name);
  }
});

t.test("the node's DNS server", async (t) => {
  const service = { metadata: { namespace: 'kube-system', name: 'kube-dns', labels: { 'k8s-app': 'kube-dns' } } };
  const slice = (address: string, nodeName: string) => ({
    addressType: 'IPv4',
    endpoints: [{ addresses: [address], nodeName }],
    ports: [
      { name: 'dns', protocol: 'UDP', port: 53 },
      { name: 'dns-tcp', protocol: 'TCP', port: 53 },
    ],
  });
  const node = { name: 'n1', podRanges: ['10.244.1.0/24'] };
  t.strictSame(translateServer(service, [slice('192.168.57.11', 'n1'), slice('192.168.57.12', 'n2')], node), {
    key: 'kube-system/kube-dns',
    namespace: 'kube-system',
    labels: { 'k8s-app': 'kube-dns' },
    addresses: ['192.168.57.11'],
    ports: [
      { name: 'dns', protocol: 'udp', port: 53 },
      { name: 'dns-tcp', protocol: 'tcp', port: 53 },
    ],
    endpoints: [
      { address: '192.168.57.11', protocol: 'udp', port: 53 },
      { address: '192.168.57.11', protocol: 'tcp', port: 53 },
    ],
  });
  t.equal(translateServer(service, [slice('10.244.1.9', 'n1')], node), undefined, 'a pod is a pod already');
  t.equal(translateServer(undefined, [slice('192.168.57.11', 'n1')], node), undefined);
});
