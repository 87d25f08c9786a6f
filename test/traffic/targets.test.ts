import t from 'tap';
import { Flows, parseFlows } from './targets';

const text = [
  '    [NEW] tcp      6 120 SYN_SENT src=10.244.0.9 dst=10.96.1.2 sport=34978 dport=80 [UNREPLIED] src=10.244.1.5 dst=10.244.0.9 sport=8080 dport=34978',
  '    [NEW] tcp      6 120 SYN_SENT src=192.168.58.1 dst=192.168.58.10 sport=46128 dport=80 [UNREPLIED] src=192.168.58.10 dst=192.168.58.1 sport=80 dport=46128',
  'conntrack v1.4.7 (conntrack-tools): 2 flow events have been shown.',
].join('\n');

t.test('lines of conntrack', async (t) => {
  t.strictSame(parseFlows(text), [
    { address: '10.96.1.2', port: 80, localPort: 34978, target: '10.244.1.5' },
    { address: '192.168.58.10', port: 80, localPort: 46128, target: '192.168.58.10' },
  ]);
  t.strictSame(parseFlows(''), []);
});

t.test('a flow is found by all that the client knows of it; the newest counts', async (t) => {
  const flows = new Flows();
  flows.add(parseFlows(text));
  const flow = { address: '10.96.1.2', port: 80, localPort: 34978 };
  t.equal(flows.targetOf(flow), '10.244.1.5');
  for (const other of [{ address: '10.96.1.3' }, { port: 81 }, { localPort: 1 }]) {
    t.equal(flows.targetOf({ ...flow, ...other }), undefined);
  }
  t.equal(flows.targetOf({ address: '192.168.58.10', port: 80, localPort: 46128 }), undefined, 'NAT did not change it');
  flows.add([{ ...flow, target: '10.244.1.6' }]);
  t.equal(flows.targetOf(flow), '10.244.1.6');
});

t.test('old flows are forgotten', async (t) => {
  const flows = new Flows();
  const flow = (i: number) => ({ address: '10.96.1.2', port: i % 60_000, localPort: Math.floor(i / 60_000) });
  for (let i = 0; i < 50_001; i++) flows.add([{ ...flow(i), target: '10.244.1.5' }]);
  t.equal(flows.targetOf(flow(0)), undefined);
  t.equal(flows.targetOf(flow(1)), '10.244.1.5');
});
