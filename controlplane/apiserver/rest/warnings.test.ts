// Warning headers: which answers have them, and that text from a client cannot break them.
import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';
import { renderWarning, renderWarnings } from './warnings';

t.test('warnings as headers: quoted, without repeats, bounded', async (t) => {
  t.equal(renderWarning('say "hi"\r\nX: \\ é'), '299 - "say \\"hi\\" X: \\\\ ?"');
  t.same(renderWarnings(['a', 'b', 'a', '']), ['299 - "a"', '299 - "b"'], 'without repeats');
  const long = 'x'.repeat(1000);
  const many = renderWarnings([long, ...Array.from({ length: 100 }, (_, i) => `${i}${long}`)]);
  t.ok(many.length <= 17, 'the number of headers is bounded');
  t.ok(
    many.every((header) => header.length <= 256 + 8),
    'each text is shortened',
  );
  t.same(renderWarnings([long, 'short']), [`299 - "${long}"`, '299 - "short"'], 'no text is shortened below the bound');
});

t.test('answers have the warnings of the request', async (t) => {
  const server = await startApiServer();
  t.teardown(() => server.close());
  const core = '/api/v1/namespaces/default';
  const deprecated = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';
  const warned = async (method: string, path: string, options: object = {}) =>
    (await server.call(method, path, options)).headers['warning'];
  const body = { metadata: { name: 'e' }, subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }] };
  t.equal(await warned('POST', `${core}/endpoints`, { body }), deprecated);
  t.equal(await warned('GET', `${core}/endpoints/e`), deprecated);
  t.equal(await warned('GET', `${core}/endpoints`), deprecated, 'a list');
  t.equal(await warned('GET', `${core}/endpoints`), deprecated, 'a list from the cache of answers');
  t.equal(
    await warned('GET', `${core}/endpoints?watch=1&timeoutSeconds=1&fieldSelector=metadata.name=none`),
    deprecated,
    'a watch',
  );
  t.equal(await warned('GET', `${core}/endpoints/none`), deprecated, 'not found');
  t.equal(await warned('DELETE', `${core}/endpoints/e`), deprecated);
  t.equal(await warned('GET', `${core}/services`), undefined);

  await server.call('POST', `${core}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  const pod = { metadata: { name: 'a.b' }, spec: { containers: [{ name: 'c', image: 'i' }], nope: 1 } };
  t.equal(
    await warned('POST', `${core}/pods`, { body: pod }),
    [
      '299 - "unknown field \\"spec.nope\\""',
      '299 - "metadata.name: this is used in the Pod\'s hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]"',
    ].join(', '),
  );
  t.equal(
    await warned('POST', `${core}/pods`, {
      body: { ...pod, metadata: { name: 'q' }, spec: { ...pod.spec, containers: [] } },
    }),
    '299 - "unknown field \\"spec.nope\\""',
    'a refused request has the warnings found before the refusal',
  );
  t.equal(
    await warned('POST', `${core}/pods`, {
      body: { ...pod, metadata: { name: 'not.a.label' }, spec: { ...pod.spec, nope: undefined, containers: [] } },
    }),
    undefined,
    'the rules of a kind warn of valid objects only',
  );

  const jobs = '/apis/batch/v1/namespaces/default/jobs';
  const preserved =
    '299 - "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them ' +
    'or set propagationPolicy=Orphan to suppress this warning"';
  const job = { spec: { template: { spec: { ...pod.spec, nope: undefined, restartPolicy: 'Never' } } } };
  for (const [query, warning] of [
    ['', preserved],
    ['?propagationPolicy=Orphan', undefined],
    ['?orphanDependents=false', undefined],
  ] as const) {
    for (const path of [`${jobs}/j`, jobs]) {
      await server.call('POST', jobs, { body: { metadata: { name: 'j' }, ...job } });
      t.equal(await warned('DELETE', `${path}${query}`), warning, `DELETE ${path}${query}`);
      const left = await server.call('GET', `${jobs}/j`);
      t.same(left.json.metadata?.finalizers, query === '?orphanDependents=false' ? undefined : ['orphan']);
      await server.call('PATCH', `${jobs}/j`, {
        type: 'application/merge-patch+json',
        body: { metadata: { finalizers: null } },
      });
    }
  }
});
