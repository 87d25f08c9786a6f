import t from 'tap';
import { formatRecord } from '../../test/lib/dns-records';
import { isInZone, lookup, lookupReverse, type QueryType } from './lookup';
import { Zone } from './zone';

const http = { name: 'http', protocol: 'tcp', port: 80 } as const;
const facts = { serverAddresses: ['10.96.0.10'] };

function cluster(): Zone {
  const zone = new Zone('cluster.local');
  for (const name of ['default', 'shop', 'empty']) zone.setNamespace(name, true);
  zone.setService('shop/web', {
    namespace: 'shop',
    name: 'web',
    kind: 'cluster',
    addresses: ['10.96.1.1', 'fd00:96::1'],
    ports: [http, { name: 'dns', protocol: 'udp', port: 53 }, { name: '', protocol: 'tcp', port: 9000 }],
  });
  zone.setEndpoints('shop/web-1', {
    service: 'shop/web',
    endpoints: [{ addresses: ['10.244.9.9'] }],
    ports: [{ ...http, port: 8080 }],
  });
  const headless = { namespace: 'shop', kind: 'headless', addresses: [], ports: [http] } as const;
  zone.setService('shop/db', { ...headless, name: 'db' });
  zone.setEndpoints('shop/db-1', {
    service: 'shop/db',
    endpoints: [{ addresses: ['10.244.1.5'], hostname: 'db-0' }, { addresses: ['10.244.2.7'] }],
    ports: [{ name: 'sql', protocol: 'tcp', port: 5432 }],
  });
  zone.setEndpoints('shop/db-6', {
    service: 'shop/db',
    endpoints: [{ addresses: ['fd00:244:0::5'], hostname: 'db-0' }],
    ports: [{ name: 'sql', protocol: 'tcp', port: 5432 }],
  });
  zone.setService('shop/unready', { ...headless, name: 'unready' });
  const external = (name: string, externalName: string) =>
    zone.setService(`shop/${name}`, {
      namespace: 'shop',
      name,
      kind: 'external',
      addresses: [],
      ports: [],
      externalName,
    });
  external('out', 'www.Example.com');
  external('inside', 'web.shop.svc.cluster.local');
  external('nowhere', 'gone.shop.svc.cluster.local');
  external('loop', 'loop.shop.svc.cluster.local');
  zone.setPod('shop/a', { namespace: 'shop', addresses: ['10.244.1.5', 'fd00:244::5'] });
  zone.setSynced();
  return zone;
}

const soa = (zone: Zone) =>
  `cluster.local. 0 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. ${zone.generation + 1} 7200 1800 86400 0`;

/** The answer as text: the code, then the records with their section. */
function ask(zone: Zone, name: string, type: QueryType): string[] {
  const answer = isInZone(zone, name) ? lookup(zone, facts, name, type) : lookupReverse(zone, name, type);
  if (!answer) return ['ELSEWHERE'];
  return [
    answer.rcode,
    ...answer.answers.map(formatRecord),
    ...answer.authority.map((record) => (record.type === 'SOA' ? 'soa' : `authority ${formatRecord(record)}`)),
    ...answer.additional.map((record) => `+ ${formatRecord(record)}`),
    ...(answer.chase === undefined ? [] : [`chase ${answer.chase}`]),
  ];
}

const web = 'web.shop.svc.cluster.local';
const db = 'db.shop.svc.cluster.local';
const nxdomain = ['NXDOMAIN', 'soa'];
const nodata = ['NOERROR', 'soa'];

const cases: { name: string; ask: string; type: QueryType; want: string[] }[] = [
  { name: 'cluster address', ask: web, type: 'A', want: ['NOERROR', `${web}. 5 IN A 10.96.1.1`] },
  {
    name: 'a type that the name does not have',
    ask: web,
    type: 'AAAA',
    want: ['NOERROR', `${web}. 5 IN AAAA fd00:96::1`],
  },
  { name: 'an unknown type', ask: web, type: 'TXT', want: nodata },
  { name: 'a type nobody knows', ask: web, type: 'OTHER', want: nodata },
  {
    name: 'named port',
    ask: `_http._tcp.${web}`,
    type: 'SRV',
    want: [
      'NOERROR',
      `_http._tcp.${web}. 5 IN SRV 0 100 80 ${web}.`,
      `+ ${web}. 5 IN A 10.96.1.1`,
      `+ ${web}. 5 IN AAAA fd00:96::1`,
    ],
  },
  { name: 'port under the wrong protocol', ask: `_http._udp.${web}`, type: 'SRV', want: nxdomain },
  { name: 'unknown port', ask: `_https._tcp.${web}`, type: 'SRV', want: nxdomain },
  { name: 'address of a port name', ask: `_http._tcp.${web}`, type: 'A', want: nodata },
  { name: 'protocol alone is an empty non-terminal', ask: `_tcp.${web}`, type: 'SRV', want: nodata },
  { name: 'protocol without named ports', ask: `_sctp.${web}`, type: 'SRV', want: nxdomain },
  {
    name: 'all ports at the Service itself',
    ask: web,
    type: 'SRV',
    want: [
      'NOERROR',
      `${web}. 5 IN SRV 0 33 80 ${web}.`,
      `${web}. 5 IN SRV 0 33 53 ${web}.`,
      `${web}. 5 IN SRV 0 33 9000 ${web}.`,
      `+ ${web}. 5 IN A 10.96.1.1`,
      `+ ${web}. 5 IN AAAA fd00:96::1`,
    ],
  },
  { name: 'headless', ask: db, type: 'A', want: ['NOERROR', `${db}. 5 IN A 10.244.1.5`, `${db}. 5 IN A 10.244.2.7`] },
  { name: 'headless, IPv6', ask: db, type: 'AAAA', want: ['NOERROR', `${db}. 5 IN AAAA fd00:244::5`] },
  { name: 'endpoint by hostname', ask: `db-0.${db}`, type: 'A', want: ['NOERROR', `db-0.${db}. 5 IN A 10.244.1.5`] },
  {
    name: 'endpoint by address',
    ask: `10-244-2-7.${db}`,
    type: 'A',
    want: ['NOERROR', `10-244-2-7.${db}. 5 IN A 10.244.2.7`],
  },
  { name: 'unknown endpoint', ask: `db-7.${db}`, type: 'A', want: nxdomain },
  { name: 'endpoint of a Service with an address', ask: `10-244-9-9.${web}`, type: 'A', want: nxdomain },
  {
    name: 'headless port',
    ask: `_sql._tcp.${db}`,
    type: 'SRV',
    want: [
      'NOERROR',
      `_sql._tcp.${db}. 5 IN SRV 0 50 5432 db-0.${db}.`,
      `_sql._tcp.${db}. 5 IN SRV 0 50 5432 10-244-2-7.${db}.`,
      `+ db-0.${db}. 5 IN A 10.244.1.5`,
      `+ db-0.${db}. 5 IN AAAA fd00:244::5`,
      `+ 10-244-2-7.${db}. 5 IN A 10.244.2.7`,
    ],
  },
  { name: 'headless without ready endpoints', ask: 'unready.shop.svc.cluster.local', type: 'A', want: nxdomain },
  {
    name: 'external name outside the zone',
    ask: 'out.shop.svc.cluster.local',
    type: 'A',
    want: ['NOERROR', 'out.shop.svc.cluster.local. 5 IN CNAME www.Example.com.', 'chase www.example.com'],
  },
  {
    name: 'the CNAME itself',
    ask: 'out.shop.svc.cluster.local',
    type: 'CNAME',
    want: ['NOERROR', 'out.shop.svc.cluster.local. 5 IN CNAME www.Example.com.'],
  },
  {
    name: 'external name within the zone',
    ask: 'inside.shop.svc.cluster.local',
    type: 'A',
    want: ['NOERROR', `inside.shop.svc.cluster.local. 5 IN CNAME ${web}.`, `${web}. 5 IN A 10.96.1.1`],
  },
  {
    name: 'external name to nothing',
    ask: 'nowhere.shop.svc.cluster.local',
    type: 'A',
    want: ['NXDOMAIN', 'nowhere.shop.svc.cluster.local. 5 IN CNAME gone.shop.svc.cluster.local.', 'soa'],
  },
  { name: 'external name to itself', ask: 'loop.shop.svc.cluster.local', type: 'A', want: ['SERVFAIL'] },
  { name: 'a name below an external name', ask: 'x.out.shop.svc.cluster.local', type: 'A', want: nxdomain },
  {
    name: 'pod',
    ask: '10-244-1-5.shop.pod.cluster.local',
    type: 'A',
    want: ['NOERROR', '10-244-1-5.shop.pod.cluster.local. 5 IN A 10.244.1.5'],
  },
  {
    name: 'pod, IPv6',
    ask: 'fd00-244--5.shop.pod.cluster.local',
    type: 'AAAA',
    want: ['NOERROR', 'fd00-244--5.shop.pod.cluster.local. 5 IN AAAA fd00:244::5'],
  },
  { name: 'pod of another namespace', ask: '10-244-1-5.default.pod.cluster.local', type: 'A', want: nxdomain },
  { name: 'no such pod', ask: '10-244-1-6.shop.pod.cluster.local', type: 'A', want: nxdomain },
  {
    name: 'version',
    ask: 'dns-version.cluster.local',
    type: 'TXT',
    want: ['NOERROR', 'dns-version.cluster.local. 5 IN TXT "1.1.0"'],
  },
  { name: 'apex', ask: 'cluster.local', type: 'NS', want: ['NOERROR', 'cluster.local. 5 IN NS ns.dns.cluster.local.'] },
  { name: 'apex without addresses', ask: 'cluster.local', type: 'A', want: nodata },
  {
    name: 'name server',
    ask: 'ns.dns.cluster.local',
    type: 'A',
    want: ['NOERROR', 'ns.dns.cluster.local. 5 IN A 10.96.0.10'],
  },
  { name: 'svc is an empty non-terminal', ask: 'svc.cluster.local', type: 'A', want: nodata },
  { name: 'dns is an empty non-terminal', ask: 'dns.cluster.local', type: 'A', want: nodata },
  { name: 'namespace with Services', ask: 'shop.svc.cluster.local', type: 'A', want: nodata },
  { name: 'namespace without any', ask: 'empty.svc.cluster.local', type: 'A', want: nodata },
  { name: 'namespace of pods', ask: 'empty.pod.cluster.local', type: 'A', want: nodata },
  { name: 'no such namespace', ask: 'none.svc.cluster.local', type: 'A', want: nxdomain },
  { name: 'no such Service', ask: 'none.shop.svc.cluster.local', type: 'A', want: nxdomain },
  { name: 'too deep', ask: `a._http._tcp.${web}`, type: 'SRV', want: nxdomain },
  { name: 'unknown branch', ask: 'x.cluster.local', type: 'A', want: nxdomain },
  { name: 'ANY is answered small', ask: web, type: 'ANY', want: ['NOERROR', `${web}. 5 IN HINFO "RFC8482" ""`] },
  {
    name: 'reverse of a cluster address',
    ask: '1.1.96.10.in-addr.arpa',
    type: 'PTR',
    want: ['NOERROR', `1.1.96.10.in-addr.arpa. 5 IN PTR ${web}.`],
  },
  {
    name: 'reverse of a headless endpoint',
    ask: '5.1.244.10.in-addr.arpa',
    type: 'PTR',
    want: ['NOERROR', `5.1.244.10.in-addr.arpa. 5 IN PTR db-0.${db}.`],
  },
  {
    name: 'reverse of an IPv6 endpoint',
    ask: '5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa',
    type: 'PTR',
    want: ['NOERROR', `5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.0.d.f.ip6.arpa. 5 IN PTR db-0.${db}.`],
  },
  { name: 'reverse, other type', ask: '1.1.96.10.in-addr.arpa', type: 'A', want: nodata },
  {
    name: 'reverse of an endpoint behind an address',
    ask: '9.9.244.10.in-addr.arpa',
    type: 'PTR',
    want: ['ELSEWHERE'],
  },
  { name: 'reverse of a foreign address', ask: '8.8.8.8.in-addr.arpa', type: 'PTR', want: ['ELSEWHERE'] },
  { name: 'part of a reverse name', ask: '96.10.in-addr.arpa', type: 'PTR', want: ['ELSEWHERE'] },
];

t.test('records of the specification', async (t) => {
  const zone = cluster();
  for (const { name, ask: question, type, want } of cases) t.same(ask(zone, question, type), want, name);
  t.equal(formatRecord(lookup(zone, facts, 'cluster.local', 'SOA').answers[0]!), soa(zone));
});

t.test('no name is denied before the zone is complete', async (t) => {
  const zone = new Zone('cluster.local');
  t.same(ask(zone, 'any.default.svc.cluster.local', 'A'), ['SERVFAIL']);
  t.same(ask(zone, '1.0.96.10.in-addr.arpa', 'PTR'), ['SERVFAIL']);
});

t.test('the zone follows changes, and keeps nothing of removed objects', async (t) => {
  const zone = cluster();
  const before = zone.generation;
  zone.setEndpoints('shop/db-1', {
    service: 'shop/db',
    endpoints: [{ addresses: ['10.244.3.1'], hostname: 'db-0' }],
    ports: [{ name: 'sql', protocol: 'tcp', port: 5432 }],
  });
  t.ok(zone.generation > before);
  t.same(ask(zone, db, 'A'), ['NOERROR', `${db}. 5 IN A 10.244.3.1`]);
  t.same(ask(zone, '5.1.244.10.in-addr.arpa', 'PTR'), ['ELSEWHERE']);
  zone.setEndpoints('shop/db-1', undefined);
  zone.setEndpoints('shop/db-6', undefined);
  t.same(ask(zone, db, 'A'), nxdomain);
  zone.setService('shop/web', undefined);
  t.same(ask(zone, web, 'A'), nxdomain);
  t.same(ask(zone, '1.1.96.10.in-addr.arpa', 'PTR'), ['ELSEWHERE']);
  zone.setPod('shop/a', undefined);
  t.same(ask(zone, '10-244-1-5.shop.pod.cluster.local', 'A'), nxdomain);
  zone.setNamespace('empty', false);
  t.same(ask(zone, 'empty.svc.cluster.local', 'A'), nxdomain);
  const settled = zone.generation;
  zone.setNamespace('empty', false);
  zone.setPod('shop/a', undefined);
  zone.setEndpoints('shop/db-1', undefined);
  t.equal(zone.generation, settled, 'a change without effect keeps the generation');
});

t.test('a slice that moves to another Service is removed from the first', async (t) => {
  const zone = cluster();
  const endpoints = [{ addresses: ['10.244.7.7'] }];
  zone.setService('shop/other', { namespace: 'shop', name: 'other', kind: 'headless', addresses: [], ports: [] });
  zone.setEndpoints('shop/db-1', { service: 'shop/other', endpoints, ports: [] });
  t.same(ask(zone, db, 'A'), nodata, 'only IPv6 is left');
  t.same(ask(zone, 'other.shop.svc.cluster.local', 'A'), [
    'NOERROR',
    'other.shop.svc.cluster.local. 5 IN A 10.244.7.7',
  ]);
});
