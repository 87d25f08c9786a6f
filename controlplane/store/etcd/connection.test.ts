import { promisify } from 'node:util';
import t from 'tap';
import { Server, ServerCredentials } from '../../grpc/library';
import { EtcdConnection } from './connection';

t.test('an answer of something that is not etcd', async (t) => {
  const server = new Server();
  const empty = () => Buffer.alloc(0);
  const range = {
    path: '/etcdserverpb.KV/Range',
    requestStream: false,
    responseStream: false,
    requestSerialize: empty,
    requestDeserialize: empty,
    responseSerialize: empty,
    responseDeserialize: empty,
  };
  server.addService(
    { range },
    { range: (_: unknown, answer: (error: null, value: object) => void) => answer(null, {}) },
  );
  const bind = promisify(server.bindAsync.bind(server));
  const port = (await bind('127.0.0.1:0', ServerCredentials.createInsecure())) as number;
  t.teardown(() => server.forceShutdown());
  const etcd = await EtcdConnection.open({ endpoints: [{ host: '127.0.0.1', port }], limits: { outageMs: 0 } });
  t.teardown(() => etcd.close());
  await t.rejects(etcd.read('Range', { key: Buffer.from('any') }), {
    code: 'Unavailable',
    message: `etcd at 127.0.0.1:${port}: the answer has no header: what answers there is not etcd`,
  });
});
