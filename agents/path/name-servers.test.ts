import t from 'tap';
import type { ProbeCame } from '../../controlplane/base/hops';
import type { ClusterReader } from './cluster';
import { type Asked, askNameServers, judgeAnswers } from './name-servers';

const asked: Asked = {
  node: 'n1',
  from: { kind: 'pod', pod: 'shop/web' },
  servers: ['10.96.0.10', '10.0.0.2'],
  name: 'cart.shop.svc.cluster.local',
  family: 4,
  expected: ['10.96.0.7'],
};
const said = (code: string, ...addresses: string[]): ProbeCame => ({
  outcome: 'answered',
  totalMs: 1,
  dns: { code, addresses },
});
const silent: ProbeCame = { outcome: 'timeout', totalMs: 1_000 };

t.test('what the servers say, next to what the Services say', async (t) => {
  const cases: readonly (readonly [string, readonly ProbeCame[], string, string | undefined])[] = [
    ['as planned', [said('NOERROR', '10.96.0.7'), silent], 'passes', undefined],
    ['one of several', [said('NOERROR', '10.96.0.8', '10.96.0.7')], 'passes', undefined],
    ['none answers', [silent, silent], 'stops', 'DnsDown'],
    ['the first is silent', [silent, said('NOERROR', '10.96.0.7')], 'doubtful', 'NameServerSilent'],
    [
      'too long for a datagram',
      [{ ...silent, dns: { code: 'NOERROR', addresses: [], truncated: true } }],
      'unknown',
      undefined,
    ],
    ['no such name', [said('NXDOMAIN')], 'stops', 'NameAnswersOther'],
    ['another address', [said('NOERROR', '10.0.0.9')], 'doubtful', 'NameAnswersOther'],
    ['an answer that is none of DNS', [{ outcome: 'answered', totalMs: 1 }], 'stops', 'DnsDown'],
  ];
  for (const [what, results, state, code] of cases) {
    const { hop } = judgeAnswers(asked, results);
    t.equal(hop?.state, state, what);
    t.equal(hop?.fault?.code, code, what);
  }
  t.match(judgeAnswers(asked, [silent, said('NOERROR', '10.96.0.7')]).hop?.facts, [
    '10.96.0.10 asked for cart.shop.svc.cluster.local: timeout (1000.0 ms)',
    /10\.0\.0\.2 asked for .*: NOERROR, 10\.96\.0\.7/,
  ]);
});

t.test('by TCP: where resolv.conf says so, and after an answer that was too long for a datagram', async (t) => {
  const cut: ProbeCame = { outcome: 'answered', totalMs: 1, dns: { code: 'NOERROR', addresses: [], truncated: true } };
  const whole: ProbeCame = { outcome: 'answered', totalMs: 1, dns: { code: 'NOERROR', addresses: ['10.96.0.7'] } };
  const ask = async (tcp: boolean, answers: Partial<Record<string, ProbeCame>>) => {
    const sent: string[] = [];
    const probe: ClusterReader['probe'] = async (_node, { requests = [] }) => {
      sent.push(...requests.map(({ protocol, address }) => `${protocol} ${address}`));
      const results = requests.map(({ protocol, address }) => answers[`${protocol} ${address}`] ?? silent);
      return { results, sightings: [], lost: 0 };
    };
    return { ...(await askNameServers({ ...asked, tcp }, { probe } as ClusterReader)), sent };
  };
  t.match(await ask(true, { 'tcp 10.96.0.10': whole }), {
    sent: ['tcp 10.96.0.10', 'tcp 10.0.0.2'],
    addresses: ['10.96.0.7'],
    hop: { state: 'passes', facts: [/^10\.96\.0\.10 asked by TCP for /] },
  });
  t.match(await ask(true, {}), { hop: { fault: { message: /no name server answers by TCP, as options use-vc of/ } } });
  t.match(await ask(false, { 'udp 10.96.0.10': cut, 'tcp 10.96.0.10': whole }), {
    sent: ['udp 10.96.0.10', 'udp 10.0.0.2', 'tcp 10.96.0.10'],
    addresses: ['10.96.0.7'],
    hop: { state: 'passes' },
  });
  t.match(await ask(false, { 'udp 10.96.0.10': cut }), {
    hop: { state: 'stops', fault: { code: 'DnsDown', message: /too long for a datagram/ } },
  });
});

t.test('only servers know names outside the cluster: what they say is the address', async (t) => {
  const { hop, addresses } = judgeAnswers({ ...asked, expected: [] }, [said('NOERROR', '203.0.113.5')]);
  t.equal(hop?.state, 'passes');
  t.strictSame(addresses, ['203.0.113.5']);
  t.strictSame(judgeAnswers({ ...asked, expected: [] }, [said('NXDOMAIN')]).addresses, []);
});

t.test('a name that only other servers could know', async (t) => {
  const outer = { ...asked, name: 'x.shop.svc.cluster.local', alias: 'nosuch.invalid', expected: [] };
  t.match(judgeAnswers(outer, [said('NXDOMAIN')]).hop, {
    state: 'stops',
    fault: { code: 'NameNotResolved', message: /x\.shop\.svc\.cluster\.local, an alias of nosuch\.invalid/ },
  });
  t.match(judgeAnswers(outer, [said('NOERROR', '203.0.113.7')]), {
    hop: { state: 'passes' },
    addresses: ['203.0.113.7'],
  });
});
