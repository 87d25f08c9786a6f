import t from 'tap';
import { type Ingress, ingresses } from '../../controlplane/api';
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

async function route(url: string, ...all: readonly Ingress[]) {
  const client = new MemoryClient();
  for (const one of all) await client.create(ingresses, one);
  const { protocol, hostname: host, pathname: path } = new URL(url);
  return routeOf({ scheme: protocol === 'https:' ? 'https' : 'http', host, path }, new ClusterReader(client as never));
}
const codeOf = async (url: string, ...all: readonly Ingress[]) =>
  (await route(url, ...all)).hops.find(({ fault }) => fault)?.fault?.code;

t.test('routes', async (t) => {
  t.match(await route('http://a.local/x', ingress('a', 'a.local')), {
    backend: { service: 'shop/web', port: 80 },
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
