import t from 'tap';
import { type Service, services } from './service';

type Spec = NonNullable<Service['spec']>;

function write(spec: Partial<Spec>, old?: Spec): { spec: Spec; causes: string[] } {
  const object: Service = { metadata: { name: 'a', namespace: 'n' }, spec: structuredClone(spec) };
  const context = { subresource: '', ...(old ? { old: { spec: old } } : {}) };
  services.options.defaults?.(object);
  services.options.prepare?.(object, context);
  const causes = services.options.validate?.(object, context) ?? [];
  return { spec: object.spec!, causes: causes.map(({ field, message }) => `${field}: ${message}`) };
}

const ports = [{ port: 80 }];

t.test('defaults of a Service follow from its type', async (t) => {
  t.match(write({ ports }).spec, {
    type: 'ClusterIP',
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    externalTrafficPolicy: undefined,
  });
  t.match(write({ ports, type: 'NodePort' }).spec, { externalTrafficPolicy: 'Cluster' });
  t.match(write({ ports, type: 'LoadBalancer' }).spec, { allocateLoadBalancerNodePorts: true });
  t.match(write({ ports, sessionAffinity: 'ClientIP' }).spec, {
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
  });
  t.match(write({ type: 'ExternalName', externalName: 'a.b' }).spec, {
    internalTrafficPolicy: undefined,
  });
  t.match(write({ clusterIP: 'None' }).spec, { clusterIPs: ['None'] });
});

t.test('an update keeps what was allocated', async (t) => {
  const old = write({ ports: [{ port: 80, nodePort: 30080 }], type: 'NodePort', clusterIP: '10.96.0.5' }).spec;
  t.match(write({ ports, type: 'NodePort' }, old).spec, {
    clusterIP: '10.96.0.5',
    clusterIPs: ['10.96.0.5'],
    ports: [{ nodePort: 30080 }],
  });
  t.match(write({ ...old, type: 'ClusterIP' }, old), {
    spec: { clusterIP: '10.96.0.5', ports: [{ nodePort: undefined }], externalTrafficPolicy: undefined },
    causes: [],
  });
  t.match(write({ ...old, type: 'ExternalName', externalName: 'a.b' }, old), {
    spec: { clusterIP: undefined, clusterIPs: undefined },
    causes: [],
  });
  t.same(write({ ports, type: 'NodePort', clusterIP: '10.96.0.6' }, old).causes, [
    'spec.clusterIPs[0]: Invalid value: ["10.96.0.6"]: may not change once set',
  ]);
});

t.test('clusterIP decides about clusterIPs, not the other way round', async (t) => {
  const old = write({ ports, clusterIP: '10.96.0.5' }).spec;
  const refused = (ips: string) => [`spec.clusterIPs[0]: Invalid value: ${ips}: may not change once set`];
  t.same(write({ ...old, clusterIP: '10.96.0.6' }, old).causes, refused('["10.96.0.6"]'));
  t.same(write({ ...old, clusterIPs: ['10.96.0.7'] }, old).causes, [
    ...refused('["10.96.0.7"]'),
    'spec.clusterIPs: Invalid value: ["10.96.0.7"]: first value must match `clusterIP`',
  ]);
  t.same(write({ ports, clusterIPs: ['10.96.0.7'] }).causes, [
    'spec.clusterIPs: Invalid value: ["10.96.0.7"]: must be empty when `clusterIP` is not specified',
  ]);
  t.same(write({ ...old, clusterIP: '' }, old), { spec: old, causes: [] }, 'an empty clusterIP releases the address');
});

t.test('field rules', async (t) => {
  const cases: Array<{ name: string; spec: Partial<Spec>; causes: string[] }> = [
    { name: 'no ports', spec: {}, causes: ['spec.ports: Required value'] },
    { name: 'headless without ports', spec: { clusterIP: 'None' }, causes: [] },
    {
      name: 'several ports need names',
      spec: { ports: [{ port: 80 }, { port: 81, name: 'b' }] },
      causes: ['spec.ports[0].name: Required value'],
    },
    {
      name: 'the same port twice',
      spec: {
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'b' },
        ],
      },
      causes: ['spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}'],
    },
    {
      name: 'node port of a ClusterIP',
      spec: { ports: [{ port: 80, nodePort: 30000 }] },
      causes: ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    },
    {
      name: 'type',
      spec: { ports, type: 'Magic' },
      causes: [
        'spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
      ],
    },
    { name: 'external name', spec: { type: 'ExternalName' }, causes: ['spec.externalName: Required value'] },
    {
      name: 'headless NodePort',
      spec: { ports, type: 'NodePort', clusterIP: 'None' },
      causes: ['spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for NodePort services'],
    },
    {
      name: 'external IP on loopback',
      spec: { ports, externalIPs: ['127.0.0.1'] },
      causes: [
        'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
      ],
    },
    {
      name: 'address',
      spec: { ports, clusterIP: 'ten' },
      causes: [
        'spec.clusterIPs[0]: Invalid value: "ten": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    },
    {
      name: 'target port by name',
      spec: { ports: [{ port: 80, targetPort: 'a_b' }] },
      causes: [
        'spec.ports[0].targetPort: Invalid value: "a_b": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      ],
    },
  ];
  for (const { name, spec, causes } of cases) t.same(write(spec).causes, causes, name);
});

t.test('the table', async (t) => {
  const row = (spec: Partial<Spec>, status: Service['status'] = {}) =>
    (services.options.columns ?? []).slice(1, 5).map(({ cell }) => cell({ spec: write(spec).spec, status }, 0));
  t.same(row({ ports, clusterIP: '10.96.0.5' }), ['ClusterIP', '10.96.0.5', '<none>', '80/TCP']);
  t.same(row({ ports: [{ port: 80, nodePort: 30080 }], type: 'NodePort' }).at(-1), '80:30080/TCP');
  t.same(row({ ports, type: 'LoadBalancer' })[2], '<pending>');
  t.same(row({ ports, type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } })[2], '1.2.3.4');
  t.same(row({ type: 'ExternalName', externalName: 'a.b' }), ['ExternalName', '<none>', 'a.b', '<none>']);
});

t.test('the status of a load balancer', async (t) => {
  const causes = (ingress: object[], type = 'LoadBalancer') => {
    const object = { metadata: { name: 'a' }, spec: { ports, type }, status: { loadBalancer: { ingress } } } as Service;
    services.options.defaults?.(object);
    const found = services.options.validate?.(object, { subresource: 'status' }) ?? [];
    return { causes: found.map(({ field, message }) => `${field}: ${message}`), status: object.status };
  };
  const field = 'status.loadBalancer.ingress';
  t.match(causes([{ ip: '192.168.57.240' }]), {
    causes: [],
    status: { loadBalancer: { ingress: [{ ip: '192.168.57.240', ipMode: 'VIP' }] } },
  });
  t.same(causes([{ hostname: 'lb.example.org' }, { ip: 'fd00::1', ipMode: 'Proxy' }]).causes, []);
  t.same(causes([{ ip: '192.168.57.240' }], 'ClusterIP').causes, [
    `${field}: Forbidden: may only be used when \`spec.type\` is 'LoadBalancer'`,
  ]);
  t.match(causes([{ ip: 'x' }, { ipMode: 'VIP', hostname: 'a' }, { ip: '192.0.2.1', ipMode: 'X' }]).causes, [
    `${field}[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)`,
    `${field}[1].ipMode: Forbidden: may not be specified when \`ip\` is not set`,
    `${field}[2].ipMode: Unsupported value: "X": supported values: "Proxy", "VIP"`,
  ]);
  t.match(causes([{ hostname: '192.0.2.1' }]).causes, [/must be a DNS name, not an IP address/]);
});

t.test('a Service that stops being a LoadBalancer keeps its conditions and loses its addresses', async (t) => {
  const object: Service = {
    metadata: { name: 'a' },
    spec: { ports: [{ port: 80 }], type: 'ClusterIP' },
    status: { loadBalancer: { ingress: [{ ip: '192.168.57.240' }] }, conditions: [] },
  };
  services.options.prepare?.(object, { subresource: '', old: { spec: { type: 'LoadBalancer' } } });
  t.same(object.status, { loadBalancer: {}, conditions: [] });
});
