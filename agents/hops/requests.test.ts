import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { readRequests } from './requests';

const serving = async (text: string, status = 200): Promise<string> => {
  const server = createServer((_, response) => {
    response.statusCode = status;
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

t.test('what the proxy has forwarded', async (t) => {
  const one = { ingress: 'shop/front', service: 'shop/web', endpoint: '10.244.1.2:8080', requests: 2, failed: 0 };
  t.strictSame(await readRequests(await serving(`${JSON.stringify(one)}\n`)), [one]);
  t.strictSame(await readRequests(await serving('')), []);
});

t.test('no proxy, an older one, another program', async (t) => {
  t.strictSame(await readRequests('127.0.0.1:1'), [], 'not each node has one');
  await t.rejects(readRequests(await serving('not found', 404)), { message: /status 404/ });
  await t.rejects(readRequests(await serving('hello\n')), { message: /does not say what it forwards/ });
  await t.rejects(readRequests(await serving('{"ingress":1}\n')), { message: /another program/ });
});
