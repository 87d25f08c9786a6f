import t from 'tap';
import { carryOut } from './probe';

const signal = new AbortController().signal;
const ask = (order: object) => carryOut({ nodeName: 'n', pods: [], ...order }, signal);
const from = { kind: 'node' };
const tcp = (address: string) => ({ requests: [{ protocol: 'tcp', address, port: 1, timeoutMs: 100 }] });

t.test('addresses of the machine alone are refused in every spelling', async (t) => {
  for (const address of [
    '127.0.0.1',
    '::1',
    '0.0.0.0',
    '::',
    '169.254.169.254',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:169.254.169.254',
    '224.0.0.1',
    'fe80::1',
  ]) {
    await t.rejects(ask({ from, ...tcp(address) }), { message: /probes go to no address of loopback/ }, address);
  }
});

t.test('orders without a sender, with too many requests, or that take too long', async (t) => {
  await t.rejects(ask(tcp('192.0.2.1')), { message: /requests need `from`/ });
  await t.rejects(ask({ from, requests: Array(9).fill({}) }), { message: /at most 8 requests/ });
  await t.rejects(ask({ from, delayMs: 9_000 }), { message: /ten seconds at most/ });
  await t.rejects(ask({ from: { kind: 'pod', pod: 'a/b' }, ...tcp('192.0.2.1') }), { message: /does not run there/ });
});
