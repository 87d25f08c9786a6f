import t from 'tap';
import { networkPolicies } from './network-policy';
import { loadSchemas } from './schema/load';
import { validateStructure } from './schema/structure';

const schemas = loadSchemas();

function write(spec: object | undefined) {
  const policy = { metadata: { name: 'p', namespace: 'n' }, ...(spec ? { spec: structuredClone(spec) } : {}) };
  validateStructure(schemas.of(networkPolicies), networkPolicies, policy, 'Strict');
  networkPolicies.options.defaults?.(policy);
  const causes = networkPolicies.options.validate?.(policy, { subresource: '' }) ?? [];
  return { spec: policy.spec, causes: causes.map(({ field, message }) => `${field}: ${message}`) };
}

t.test('defaults of a NetworkPolicy', async (t) => {
  const cases: { name: string; spec: object | undefined; expected: object }[] = [
    { name: 'no spec', spec: undefined, expected: { podSelector: {}, policyTypes: ['Ingress'] } },
    {
      name: 'a list of egress rules implies both directions',
      spec: { podSelector: {}, egress: [{}] },
      expected: { podSelector: {}, egress: [{}], policyTypes: ['Ingress', 'Egress'] },
    },
    {
      name: 'no egress rules deny all egress',
      spec: { podSelector: {}, ingress: [{}], egress: [] },
      expected: { podSelector: {}, ingress: [{}], policyTypes: ['Ingress'] },
    },
    {
      name: 'given values stay',
      spec: { podSelector: {}, ingress: [{}], policyTypes: ['Egress'] },
      expected: { podSelector: {}, ingress: [{}], policyTypes: ['Egress'] },
    },
    {
      name: 'protocol; empty selectors of peers are kept: they mean everything',
      spec: {
        ingress: [
          { ports: [{ port: 80 }, {}], from: [{ podSelector: {} }, { namespaceSelector: {}, podSelector: {} }] },
        ],
      },
      expected: {
        podSelector: {},
        ingress: [
          {
            ports: [{ port: 80, protocol: 'TCP' }, { protocol: 'TCP' }],
            from: [{ podSelector: {} }, { namespaceSelector: {}, podSelector: {} }],
          },
        ],
        policyTypes: ['Ingress'],
      },
    },
  ];
  for (const { name, spec, expected } of cases) {
    const written = write(spec);
    t.same(written.causes, [], name);
    t.same(written.spec, expected, name);
  }
});

t.test('messages of invalid NetworkPolicy rules', async (t) => {
  const port = (one: object) => ({ ingress: [{ ports: [one] }] });
  const peer = (one: object) => ({ egress: [{ to: [one] }] });
  const block = (cidr: string, ...except: string[]) => peer({ ipBlock: { cidr, except } });
  const at = 'spec.ingress[0].ports[0]';
  const to = 'spec.egress[0].to[0]';
  const cases: { spec: object; cause: string | undefined }[] = [
    { spec: port({ port: 80, endPort: 90, protocol: 'SCTP' }), cause: undefined },
    { spec: port({ port: 'http', protocol: 'UDP' }), cause: undefined },
    { spec: block('10.0.0.0/8', '10.1.0.0/16', '10.2.3.4/32'), cause: undefined },
    { spec: block('fd00::/8', 'fd00:1::/32'), cause: undefined },
    {
      spec: port({ protocol: 'ICMP' }),
      cause: `${at}.protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"`,
    },
    { spec: port({ port: 0 }), cause: `${at}.port: Invalid value: 0: must be between 1 and 65535, inclusive` },
    {
      spec: port({ port: 'a_b' }),
      cause: `${at}.port: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)`,
    },
    {
      spec: port({ port: 90, endPort: 80 }),
      cause: `${at}.endPort: Invalid value: 90: must be greater than or equal to \`port\``,
    },
    {
      spec: port({ port: 90, endPort: 70000 }),
      cause: `${at}.endPort: Invalid value: 70000: must be between 1 and 65535, inclusive`,
    },
    {
      spec: port({ port: 'http', endPort: 80 }),
      cause: `${at}.endPort: Invalid value: 80: may not be specified when \`port\` is non-numeric`,
    },
    {
      spec: port({ endPort: 80 }),
      cause: `${at}.endPort: Invalid value: 80: may not be specified when \`port\` is not specified`,
    },
    { spec: peer({}), cause: `${to}: Required value: must specify a peer` },
    {
      spec: peer({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }),
      cause: `${to}: Forbidden: may not specify both ipBlock and another peer`,
    },
    { spec: peer({ ipBlock: { cidr: '' } }), cause: `${to}.ipBlock.cidr: Required value` },
    {
      spec: block('10.0.0.0'),
      cause: `${to}.ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)`,
    },
    {
      spec: block('10.0.0.0/8', '10.0.0.0/8'),
      cause: `${to}.ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of \`cidr\``,
    },
    {
      spec: block('10.0.0.0/8', 'fd00::/64'),
      cause: `${to}.ipBlock.except[0]: Invalid value: "fd00::/64": must be a strict subset of \`cidr\``,
    },
    {
      spec: peer({ podSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }),
      cause: `${to}.podSelector.matchExpressions[0].values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`,
    },
    {
      spec: { policyTypes: ['Both'] },
      cause: 'spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"',
    },
    {
      spec: { policyTypes: ['Ingress', 'Egress', 'Ingress'] },
      cause:
        'spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes',
    },
  ];
  for (const { spec, cause } of cases) t.same(write(spec).causes, cause ? [cause] : [], JSON.stringify(spec));
});

t.test('peers times ports', async (t) => {
  const from = Array.from({ length: 1_000 }, (_, i) => ({ ipBlock: { cidr: `10.${i >> 8}.${i & 255}.0/24` } }));
  const ports = (count: number) => Array.from({ length: count }, (_, i) => ({ protocol: 'TCP', port: 2 * i + 1 }));
  const spec = (count: number) => ({
    ingress: [
      { from, ports: ports(count) },
      { from: from.slice(0, 100), ports: ports(count) },
    ],
  });
  t.same(write(spec(18)).causes, []);
  t.match(write(spec(19)).causes, [
    /^spec: Forbidden: must have at most 20000 combinations of a peer and a port, not 20900/,
  ]);
});

t.test('columns of a NetworkPolicy', async (t) => {
  const row = (spec: object) =>
    networkPolicies.options.columns?.slice(0, 2).map(({ cell }) => cell({ metadata: { name: 'p' }, spec }, 0));
  t.same(row({ podSelector: {} }), ['p', '<none>']);
  t.same(row({ podSelector: { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'x', operator: 'Exists' }] } }), [
    'p',
    'app=a,x',
  ]);
});
