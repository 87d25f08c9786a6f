import t from 'tap';
import { startApiServer } from '../../../test/lib/api-server';

t.test('external IPs are refused unless an option of the server allows them', async (t) => {
  const body = { metadata: { name: 's' }, spec: { ports: [{ port: 80 }], externalIPs: ['203.0.113.9'] } };
  const post = async (options: object) => {
    const server = await startApiServer(options);
    t.teardown(() => server.close());
    return server.call('POST', '/api/v1/namespaces/default/services', { body });
  };
  t.match((await post({})).json, {
    code: 403,
    message: 'services "s" is forbidden: Use of external IPs is denied by admission control.',
  });
  t.equal((await post({ allowServiceExternalIps: true })).status, 201);
});
