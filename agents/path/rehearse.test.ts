// Manifests against a real API server in this process: what it would store, and that it stores nothing.
import t from 'tap';
import { namespaces, networkPolicies, type Service, services } from '../../controlplane/api';
import type { KubeObject } from '../../controlplane/api/types';
import { createClient } from '../../controlplane/client/rest-client';
import { startApiServer, type TestServer } from '../../test/lib/api-server';
import { ClusterReader } from './cluster';
import { readManifest } from './manifest';
import { rehearse } from './rehearse';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

const admin = { name: 'admin', groups: ['system:masters'] };
const clusterAs = (user: { readonly name: string; readonly groups: readonly string[] }) =>
  new ClusterReader(createClient(server.api.transport(user)));
const client = () => clusterAs(admin).client;
const tryOut = async (objects: readonly object[], user = admin) => {
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  return rehearse((await readManifest([manifest], 'default', JSON.parse)).wanted, clusterAs(user));
};
const service = (name: string, spec: object, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, ...more },
  spec,
});
const specOf = (object: KubeObject | undefined) => (object as Service | undefined)?.spec;
const applied = (object: object) => ({
  ...object,
  metadata: {
    name: 'web',
    namespace: 'default',
    annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(object) },
  },
});

t.test(
  'new objects get what the server gives, each Service an address of its own, and nothing is stored',
  async (t) => {
    const ports = [{ port: 80 }];
    const found = await tryOut([service('a', { ports }), service('b', { ports, type: 'NodePort' })]);
    t.match(found, [
      { key: 'default/a', change: 'created', after: { spec: { type: 'ClusterIP', sessionAffinity: 'None' } } },
      {
        key: 'default/b',
        after: { spec: { ports: [{ nodePort: Number, targetPort: 80 }] } },
        note: /stands for what/,
      },
    ]);
    const [a, b] = found.map(({ after }) => specOf(after)?.clusterIP);
    t.match([a, b], [/^10\.96\.0\.\d+$/, /^10\.96\.0\.\d+$/]);
    t.not(a, b);
    t.equal(await clusterAs(admin).find(services, 'default/a'), undefined);
  },
);

t.test('a change is what kubectl apply would make of it', async (t) => {
  const last = service('web', {
    selector: { app: 'web', old: '1' },
    ports: [{ port: 80 }, { port: 81, name: 'x' }],
    type: 'NodePort',
  });
  const ports = [
    { port: 80, name: 'http' },
    { port: 81, name: 'x' },
  ];
  await client().create(services, { ...applied(last), spec: { ...last.spec, ports } } as unknown as Service);
  const before = specOf(await client().get(services, 'default/web'));
  const [same] = await tryOut([service('web', { ...last.spec, ports })]);
  t.equal(same?.change, 'unchanged');
  const [one] = await tryOut([
    service('web', {
      selector: { app: 'web' },
      ports: [{ port: 80, name: 'http', targetPort: 8080 }],
      type: 'NodePort',
    }),
  ]);
  t.equal(one?.change, 'changed');
  t.match(specOf(one?.after), {
    clusterIP: before!.clusterIP,
    selector: { app: 'web' },
    ports: [{ port: 80, targetPort: 8080, nodePort: before!.ports![0]!.nodePort }],
  });
  t.strictSame(specOf(one?.after)?.selector, { app: 'web' }, 'a label that the manifest no longer says goes');
  t.equal(specOf(one?.after)?.ports?.length, 1);
  t.strictSame(specOf(await client().get(services, 'default/web')), before, 'nothing is stored');
});

t.test('what was applied on the server is applied so again: fields that its manager no longer says go', async (t) => {
  const policy = (spec: object) => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: 'p', namespace: 'default' },
    spec: { podSelector: {}, ...spec },
  });
  const options = { fieldManager: 'gitops', force: true };
  await client().patch(networkPolicies, 'default/p', 'apply', policy({ ingress: [{}], egress: [{}] }), options);
  const [one] = await tryOut([policy({ ingress: [{}] })]);
  t.match(one?.after, { spec: { ingress: [{}], egress: undefined } });
});

t.test('objects in a Namespace that does not exist yet', async (t) => {
  const found = await tryOut([
    service('web', { ports: [{ port: 80 }] }, { namespace: 'new' }),
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'new', labels: { team: 'x' } } },
  ]);
  t.match(found, [
    { kind: namespaces, key: 'new', change: 'created' },
    {
      key: 'new/web',
      after: { metadata: { name: 'web', namespace: 'new', generateName: undefined } },
      note: /checked in Namespace default/,
    },
  ]);
});

t.test('what the server refuses, and who', async (t) => {
  const wrong = service('bad', { ports: [{ port: 0 }] });
  await t.rejects(tryOut([wrong]), {
    code: 'BadRequest',
    message: /^Service default\/bad cannot be tried out: .*spec\.ports/,
  });
  const jane = { name: 'jane', groups: ['system:authenticated'] };
  await t.rejects(tryOut([service('a', { ports: [{ port: 80 }] })], jane), {
    code: 'Forbidden',
    message: /^Service default\/a cannot be tried out: .*"jane" cannot get/,
  });
});
