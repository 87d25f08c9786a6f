// PUT for every kind: a missing object is created where upstream allows it, and an update without a resourceVersion is refused
// where upstream demands one.
import t from 'tap';
import { startApiServer, type TestServer } from '../../../test/lib/api-server';
import { validObjectKey, validObjects } from '../../../test/lib/valid-objects';
import { defineKind, type Kind } from '../../api/kind';
import { registry } from '../../api/registry';
import { collectionPath } from '../../client/paths';
import { qualifiedResource } from '../status';

/** The kinds whose strategy upstream has AllowCreateOnUpdate. */
const created = new Set([
  'clusterrolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'endpoints',
  'events',
  'events.events.k8s.io',
  'leases.coordination.k8s.io',
  'limitranges',
  'rolebindings.rbac.authorization.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'runtimeclasses.node.k8s.io',
  'services',
]);

/** The kinds whose strategy upstream has no AllowUnconditionalUpdate; those that are not served yet too. */
const conditional = new Set([
  'apiservices.apiregistration.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'leases.coordination.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'poddisruptionbudgets.policy',
  'runtimeclasses.node.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
]);

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
});
t.teardown(() => server.close());

async function valid(kind: Kind) {
  const object = await validObjects[validObjectKey(kind)]!();
  // Some kinds have rules for the name. An Event of the other group must not have the same name.
  const name = object.metadata?.name ?? (kind.options.storage ? 'put-too' : 'put');
  return { ...object, apiVersion: kind.apiVersion, kind: kind.kind, metadata: { ...object.metadata, name } };
}

for (const kind of registry) {
  const resource = qualifiedResource(kind);
  const path = collectionPath(kind, 'default');

  t.test(`PUT of ${resource}`, async (t) => {
    const body = await valid(kind);
    const { name } = body.metadata;
    const first = await server.call('PUT', `${path}/${name}`, { body });
    if (created.has(resource)) {
      t.match(first, { status: 201, json: { kind: kind.kind, metadata: { name, uid: String } } });
    } else {
      t.match(first, { status: 404, json: { reason: 'NotFound', message: `${resource} "${name}" not found` } });
      t.equal((await server.call('POST', path, { body })).status, 201);
    }
    const { json: stored } = await server.call('GET', `${path}/${name}`);
    const { resourceVersion, ...metadata } = stored.metadata;
    const again = await server.call('PUT', `${path}/${name}?dryRun=All`, { body: { ...stored, metadata } });
    if (conditional.has(resource)) {
      t.match(again, {
        status: 422,
        json: {
          message: `${resource} "${name}" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update`,
          details: { name, kind: kind.plural },
        },
      });
    } else t.equal(again.status, 200, again.text);
    t.equal((await server.call('PUT', `${path}/${name}?dryRun=All`, { body: stored })).status, 200, resourceVersion);
  });
}

const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const lease = (metadata: object) => ({ metadata, spec: { holderIdentity: 'h' } });

t.test('a PUT that creates follows the rules of a creation', async (t) => {
  const missing = await server.call('PUT', leases.replace('default', 'nowhere').concat('/a'), {
    body: lease({ name: 'a' }),
  });
  t.match(missing, { status: 404, json: { message: 'namespaces "nowhere" not found' } });
  t.equal((await server.call('PUT', `${leases}/b`, { body: lease({ name: 'a' }) })).status, 400, 'another name');
  const invalid = await server.call('PUT', `${leases}/a`, {
    body: { metadata: { name: 'a' }, spec: { leaseDurationSeconds: 0 } },
  });
  t.equal(invalid.status, 422);
  t.match((await server.call('PUT', `${leases}/a`, { body: { spec: {} } })).json, {
    code: 400,
    message: 'the name of the object (a based on URL) was undeterminable: name must be provided',
  });
  const dry = await server.call('PUT', `${leases}/a?dryRun=All`, { body: lease({ name: 'a' }) });
  t.equal(dry.status, 201);
  t.equal((await server.call('GET', `${leases}/a`)).status, 404, 'a dry run writes nothing');
  const gone = '/api/v1/namespaces/default/pods/gone';
  const body = { metadata: { name: 'gone', uid: 'x' } };
  t.equal((await server.call('PUT', gone, { body })).status, 404, 'pods are not created by PUT');
  t.match(await server.call('PUT', `${leases}/a`, { body: lease({ name: 'a', uid: 'x' }) }), {
    status: 409,
    json: { message: /Precondition failed: UID in precondition: x, UID in object meta: $/ },
  });
  t.match(await server.call('PUT', `${leases}/a`, { body: lease({ name: 'a', resourceVersion: '5' }) }), {
    status: 201,
    json: { metadata: { name: 'a' } },
  });
  const services = '/api/v1/namespaces/default/services';
  t.equal((await server.call('PUT', `${services}/none/status`, { body: { metadata: { name: 'none' } } })).status, 404);
  const nameless = await server.call('PUT', `${services}/none/status`, { body: {} });
  t.match(nameless.json, {
    code: 400,
    message: 'the name of the object (none based on URL) was undeterminable: name must be provided',
  });
});

t.test('who may only update creates nothing', async (t) => {
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default';
  const rules = [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['update'] }];
  await server.call('POST', `${roles}/roles`, { body: { metadata: { name: 'updates' }, rules } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'updates' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'updater' }];
  await server.call('POST', `${roles}/rolebindings`, { body: { metadata: { name: 'updates' }, roleRef, subjects } });
  const as = await server.identity('updater');
  t.match(await server.call('PUT', `${leases}/mine`, { body: lease({ name: 'mine' }), as }), {
    status: 403,
    json: { message: /User "updater" cannot create resource "leases"/ },
  });
});

t.test('parallel PUTs of a missing object create it once', async (t) => {
  const put = (holder: number) =>
    server.call('PUT', `${leases}/raced`, {
      body: { metadata: { name: 'raced' }, spec: { holderIdentity: `${holder}` } },
    });
  const answers = await Promise.all([1, 2, 3, 4].map(put));
  const statuses = answers.map(({ status }) => status).sort();
  t.same(statuses, [201, 422, 422, 422], 'the others update, and a Lease demands a resourceVersion');
});

t.test('objects without a Go type: no creation, and a resourceVersion', async (t) => {
  const custom = defineKind({
    group: 'example.com',
    version: 'v1',
    kind: 'Widget',
    plural: 'widgets',
    namespaced: true,
    schema: { definition: { type: 'object' } },
  });
  await server.kinds.add(custom);
  const path = collectionPath(custom, 'default');
  const body = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' } };
  t.equal((await server.call('PUT', `${path}/a`, { body })).status, 404);
  await server.call('POST', path, { body });
  t.equal((await server.call('PUT', `${path}/a`, { body })).status, 422);
  const labels = { a: 'b' };
  const patch = { body: { metadata: { labels } }, type: 'application/merge-patch+json' };
  t.match(await server.call('PATCH', `${path}/a`, patch), { status: 200, json: { metadata: { labels } } });
});
