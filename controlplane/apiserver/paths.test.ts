// Paths other than those of stored kinds, and the error of a LIST with an unsupported selector.
import t from 'tap';
import { startApiServer, type TestServer } from '../../test/lib/api-server';

let server: TestServer;
t.before(async () => {
  server = await startApiServer();
});
t.teardown(() => server.close());

t.test('an unsupported selector is answered with the reason only, because kubectl adds its own words', async (t) => {
  const pods = '/api/v1/namespaces/default/pods';
  const field = await server.call('GET', `${pods}?fieldSelector=spec.foo%3D1`);
  t.match(field.json, { code: 400, reason: 'BadRequest', message: 'field label not supported: spec.foo' });
  const label = await server.call('GET', `${pods}?labelSelector=${encodeURIComponent('app in web')}`);
  t.match(label.json, { code: 400, message: "unable to parse requirement: found 'web' expected: '('" });
});
