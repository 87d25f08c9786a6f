import { once } from 'node:events';
import http2, { type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { resolvePort } from '../spec/named-port';
import { grpcProbe } from './grpc';
import { applyResult, failedForGood, initialState, type ProbeKind } from './probe-state';
import { tcpProbe } from './tcp';

/** Verdicts after each result; + is a success. */
const verdicts = (kind: ProbeKind, results: string, success: number, failure: number): string => {
  let state = initialState(kind);
  return [...results]
    .map((each) => {
      state = applyResult(state, each === '+', { success, failure });
      return state.verdict ? '+' : '-';
    })
    .join('');
};

t.test('success and failure thresholds', async (t) => {
  t.equal(verdicts('readiness', '+---+', 1, 3), '+++-+');
  t.equal(verdicts('readiness', '++-++', 2, 1), '-+--+');
  t.equal(verdicts('liveness', '--+---', 1, 3), '+++++-');
  t.equal(verdicts('startup', '--+', 1, 30), '--+');
  let state = initialState('startup');
  for (let i = 0; i < 2; i++) state = applyResult(state, false, { success: 1, failure: 2 });
  t.ok(failedForGood(state, { success: 1, failure: 2 }));
  t.notOk(failedForGood(applyResult(state, true, { success: 1, failure: 2 }), { success: 1, failure: 2 }));
});

t.test('ports by number and name', async (t) => {
  const container = { name: 'c', ports: [{ name: 'web', containerPort: 8080 }] };
  t.equal(resolvePort(80, container), 80);
  t.equal(resolvePort('81', container), 81);
  t.equal(resolvePort('web', container), 8080);
  t.throws(() => resolvePort('nope', container), { code: 'BadRequest' });
});

t.test('a TCP probe succeeds where a server listens', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.same(await tcpProbe('127.0.0.1', port, 10_000), { success: true, output: '' });
  server.close();
  await once(server, 'close');
  t.match(await tcpProbe('127.0.0.1', port, 10_000), { success: false, output: /connection refused$/ });
});

t.test('a gRPC probe asks the health service', async (t) => {
  const asked: string[] = [];
  const server = http2.createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const message = Buffer.concat(chunks).subarray(5);
      const service = message.subarray(message[1]! < 0x80 ? 2 : 3).toString();
      asked.push(`${headers[':path']} ${service} ${message.length}`);
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': service === 'unknown' ? '5' : '0' }));
      if (service === 'endless') stream.end(Buffer.alloc(100_000));
      else stream.end(Buffer.from([0, 0, 0, 0, 2, 8, service === 'sick' ? 2 : 1]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  t.same(await grpcProbe('127.0.0.1', port, 'fine', 10_000), { success: true, output: '' });
  t.equal(asked[0], '/grpc.health.v1.Health/Check fine 6');
  const long = 'x'.repeat(300);
  t.equal((await grpcProbe('127.0.0.1', port, long, 10_000)).success, true);
  t.equal(asked[1], `/grpc.health.v1.Health/Check ${long} 303`, 'a length of two bytes');
  t.match(await grpcProbe('127.0.0.1', port, 'endless', 10_000), { success: false, output: /larger than/ });
  t.match(await grpcProbe('127.0.0.1', port, 'sick', 10_000), {
    success: false,
    output: 'service unhealthy (responded with 2)',
  });
  t.match(await grpcProbe('127.0.0.1', port, 'unknown', 10_000), { success: false, output: /status 5/ });
});
