import t from 'tap';
import { type Ingress, ingresses, secrets } from '../../controlplane/api';
import { MemoryClient } from '../../test/lib/memory-client';
import { ClusterReader } from './cluster';
import { routeOf } from './ingress-check';

const ingress = (name: string, host: string, more: object = {}, path: object = {}): Ingress =>
  ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { namespace: 'shop', name },
    spec: {
      ingressClassName: 'k8ts',
      rules: [
        {
          host,
          http: {
            paths: [
              { path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } }, ...path },
            ],
          },
        },
      ],
      ...more,
    },
  }) as unknown as Ingress;

const secretOf = (name: string) =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace: 'shop', name } }) as const;

async function route(url: string, ...all: readonly Ingress[]) {
  const client = new MemoryClient();
  await client.create(secrets, { ...secretOf('opaque'), type: 'Opaque' });
  await client.create(secrets, {
    ...secretOf('broken'),
    type: 'kubernetes.io/tls',
    data: { 'tls.crt': 'eA==', 'tls.key': 'eA==' },
  });
  for (const one of all) await client.create(ingresses, one);
  const { protocol, hostname: host, pathname: path } = new URL(url);
  return routeOf({ scheme: protocol === 'https:' ? 'https' : 'http', host, path }, new ClusterReader(client as never));
}
const codeOf = async (url: string, ...all: readonly Ingress[]) =>
  (await route(url, ...all)).hops.find(({ fault }) => fault)?.fault?.code;

t.test('routes', async (t) => {
  t.match(await route('http://a.local/x', ingress('a', 'a.local')), {
    backend: { service: 'shop/web', port: 80, ingress: 'shop/a' },
    hops: [{ state: 'passes' }],
  });
  const named = { backend: { service: { name: 'web', port: { name: 'http' } } } };
  t.match(await route('http://b.a.local/', ingress('a', '*.a.local', {}, named)), { backend: { port: 'http' } });
});

t.test('why there is none', async (t) => {
  t.equal(await codeOf('http://x.local/', ingress('a', 'a.local')), 'NoSuchHost');
  t.equal(await codeOf('http://a.local/'), 'NoSuchHost');
  t.equal(
    await codeOf('http://a.local/b/c', ingress('a', 'a.local', {}, { path: '/b', pathType: 'Exact' })),
    'NoSuchPath',
  );
  t.equal(await codeOf('http://a.local/', ingress('a', 'a.local', { ingressClassName: 'nginx' })), 'IngressClass');
  t.equal(await codeOf('http://a.local/', ingress('a', 'a.local', { ingressClassName: undefined })), 'IngressClass');
  t.equal(await codeOf('https://a.local/', ingress('a', 'a.local')), 'NoCertificate');
  t.equal(
    await codeOf('https://a.local/', ingress('a', 'a.local', { tls: [{ hosts: ['a.local'], secretName: 's' }] })),
    'TlsSecretMissing',
  );
});

t.test('a Secret that is there is made again, one that is not is made', async (t) => {
  const make = 'kubectl create secret tls NAME -n shop --cert=FILE --key=FILE';
  const again = `kubectl delete secret NAME -n shop; ${make}`;
  const cases: readonly (readonly [name: string, message: RegExp, remedy: string])[] = [
    ['gone', /does not exist$/, make],
    ['opaque', /lacks tls\.crt or tls\.key$/, again],
    ['broken', /cannot be used: /, again],
  ];
  for (const [name, message, remedy] of cases) {
    const { hops } = await route('https://a.local/', ingress('a', 'a.local', { tls: [{ secretName: name }] }));
    const { fault } = hops.find((hop) => hop.fault)!;
    t.match(fault?.message, message);
    t.equal(fault?.remedy, remedy.replaceAll('NAME', name));
  }
});
