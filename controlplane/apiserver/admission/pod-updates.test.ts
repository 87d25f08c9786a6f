// A client that sends a pod as it created it, without what admission added, changes nothing. Over HTTPS, compared with kube-apiserver 1.36.3.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

const path = '/api/v1/namespaces/default/pods';

t.test('a pod is sent again as it was created', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const body = {
    metadata: { name: 'p', labels: { a: 'b' } },
    spec: {
      serviceAccountName: 'default',
      automountServiceAccountToken: false,
      containers: [{ name: 'c', image: 'i' }],
    },
  };
  const created = await server.call('POST', path, { body });
  t.match(created.json.spec, { priority: 0, preemptionPolicy: 'PreemptLowerPriority', serviceAccount: 'default' });
  const changed = { ...body, metadata: { name: 'p', labels: { a: 'c' } } };
  const again = await server.call('PUT', `${path}/p`, { body: changed });
  t.equal(again.status, 200);
  t.same(again.json.spec, created.json.spec);
  const other = { ...body, spec: { ...body.spec, serviceAccount: 'other' } };
  t.equal((await server.call('PUT', `${path}/p`, { body: other })).status, 200, 'the deprecated name does not count');
  const first = { ...body, spec: { ...body.spec, priority: 7 } };
  t.equal((await server.call('PUT', `${path}/p`, { body: first })).status, 422, 'another priority');
});

t.test('what the server adds to new pods', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const spec = { containers: [{ name: 'c', image: 'i' }] };
  const gated = { metadata: { name: 'g' }, spec: { ...spec, schedulingGates: [{ name: 'a.b/c' }] } };
  const { json } = await server.call('POST', path, { body: gated });
  t.equal(json.status.conditions[0].lastTransitionTime, json.metadata.creationTimestamp, 'since when it is gated');
  const wrong = { metadata: { name: 'w' }, spec: { ...spec, serviceAccountName: 'a/b' } };
  t.equal(
    (await server.call('POST', path, { body: wrong })).json.message,
    'pods "w" is forbidden: error looking up service account default/a/b: invalid resource name "a/b": [may not contain \'/\']',
  );
  const range = await server.call('POST', '/api/v1/namespaces/default/limitranges', { body: { spec: { limits: [] } } });
  t.equal(range.status, 201);
  t.equal(range.json.metadata.name, range.json.metadata.uid, 'a LimitRange without a name');
});

t.test('profiles of AppArmor in annotations', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  await server.call('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } });
  const key = 'container.apparmor.security.beta.kubernetes.io/c';
  const warning = `299 - "metadata.annotations[${key}]: deprecated since v1.30; use the \\"appArmorProfile\\" field instead"`;
  const runtime = { type: 'RuntimeDefault' };
  const cases = [
    { value: 'runtime/default', profile: runtime, warned: warning },
    { value: 'localhost/x', profile: { type: 'Localhost', localhostProfile: 'x' }, warned: warning },
    { value: 'bogus', status: 422, warned: warning },
    { value: 'runtime/default', ofPod: runtime },
    { value: 'runtime/default', os: 'windows', profile: undefined },
  ];
  for (const { value, ofPod, os, profile, warned, status = 201 } of cases) {
    const body = {
      metadata: { name: 'p', annotations: { [key]: value } },
      spec: {
        containers: [{ name: 'c', image: 'i' }],
        ...(ofPod ? { securityContext: { appArmorProfile: ofPod } } : {}),
        ...(os ? { os: { name: os } } : {}),
      },
    };
    const answer = await server.call('POST', `${path}?dryRun=All`, { body });
    t.equal(answer.status, status, value);
    t.equal(answer.headers['warning'], warned, value);
    if (status === 201) t.same(answer.json.spec.containers[0].securityContext?.appArmorProfile, profile);
  }
  const template = {
    metadata: { labels: { a: 'b' }, annotations: { [key]: 'unconfined' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  };
  const body = { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } };
  const deployment = await server.call('POST', '/apis/apps/v1/namespaces/default/deployments', { body });
  t.match(
    deployment.headers['warning'],
    /spec\.template\.metadata\.annotations\[container\.apparmor.*deprecated since v1\.30/,
  );
  t.equal(deployment.json.spec.template.spec.containers[0].securityContext, undefined, 'templates stay');
});
