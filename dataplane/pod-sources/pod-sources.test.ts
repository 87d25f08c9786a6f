import t from 'tap';
import { ScriptedExec } from '../../test/lib/scripted-exec';
import { keepSnapshots } from '../../test/lib/snapshots';
import { NftProgram } from '../nftables/nft';
import { SourceFilter } from './filter';
import { elementsOf, linkLocalOf, type PodPort } from './ports';
import { sourcesRemoval, sourcesText } from './text';

keepSnapshots(t, __filename);

const ports: PodPort[] = [
  { link: 'veth0af40105', mac: '0a:58:0a:f4:01:05', addresses: ['10.244.1.5', 'fd00::5'] },
  { link: 'veth0af40106', mac: '0a:58:0a:f4:01:06', addresses: ['10.244.1.6'] },
];

t.test('elements of the sets name each port with its MAC and addresses, link-local ones too', async (t) => {
  t.equal(linkLocalOf('0a:58:0a:f4:01:05'), 'fe80::858:aff:fef4:105');
  t.equal(linkLocalOf('02:00:00:00:00:00'), 'fe80::ff:fe00:0');
  t.strictSame(elementsOf(ports), {
    ports: ['veth0af40105', 'veth0af40106'],
    macs: ['veth0af40105 . 0a:58:0a:f4:01:05', 'veth0af40106 . 0a:58:0a:f4:01:06'],
    addresses4: ['veth0af40105 . 10.244.1.5', 'veth0af40106 . 10.244.1.6'],
    addresses6: [
      'veth0af40105 . fd00::5',
      'veth0af40105 . fe80::858:aff:fef4:105',
      'veth0af40106 . fe80::858:aff:fef4:106',
    ],
    senders4: ['veth0af40105 . 0a:58:0a:f4:01:05 . 10.244.1.5', 'veth0af40106 . 0a:58:0a:f4:01:06 . 10.244.1.6'],
    senders6: [
      'veth0af40105 . 0a:58:0a:f4:01:05 . fd00::5',
      'veth0af40105 . 0a:58:0a:f4:01:05 . fe80::858:aff:fef4:105',
      'veth0af40106 . 0a:58:0a:f4:01:06 . fe80::858:aff:fef4:106',
    ],
    targets6: [
      'veth0af40105 . 0xfd000000000000000000000000000005',
      'veth0af40105 . 0xfe8000000000000008580afffef40105',
      'veth0af40106 . 0xfe8000000000000008580afffef40106',
    ],
  });
});

t.test('the text checks targets, guards the tunnel port, and adds no empty set', async (t) => {
  t.matchSnapshot(sourcesText(ports, { targets: true }));
  t.match(
    sourcesText([], { targets: true, tunnelPort: 8472 }),
    /ipv4 udp dport 8472 counter drop[\s\S]*ipv6 udp dport 8472/,
  );
  const weaker = sourcesText(ports, { targets: false });
  t.notMatch(weaker, /@th|targets6/);
  t.match(weaker, /unspecified icmpv6 type nd-neighbor-solicit accept/);
  t.notMatch(sourcesText([], { targets: true }), /add element/);
});

const line = 'Error: Could not process rule: ';
const read = { argv: 'nft -n -s -t list ruleset bridge', stdout: 'table bridge k8ts-pod-sources {\n}\n' };
const write = (stderr?: string) => ({ argv: 'nft -f -', ...(stderr === undefined ? {} : { exitCode: 1, stderr }) });

t.test('with an nft that cannot match targets, sources are still checked', async (t) => {
  const exec = new ScriptedExec([write('x:1:1-2: Error: syntax error, unexpected @'), write(), read, write(), read]);
  const filter = new SourceFilter(new NftProgram(exec));
  await filter.apply(ports);
  t.equal(filter.comparesTargets, false);
  await filter.apply(ports);
  t.strictSame(
    exec.calls.flatMap(({ input }) => (input ? [input.includes('targets6')] : [])),
    [true, false, false],
    'tried only once',
  );
});

t.test('a table that conflicts with ours is replaced', async (t) => {
  const exec = new ScriptedExec([write(`${line}File exists`), write(), write(), read]);
  await new SourceFilter(new NftProgram(exec)).apply(ports);
  t.equal(exec.calls[1]?.input, sourcesRemoval());
  const busy = new SourceFilter(new NftProgram(new ScriptedExec([write(`${line}Device or resource busy`)])));
  await t.rejects(busy.apply(ports), { code: 'Unavailable' });
  t.equal(await busy.isDamaged(false), true, 'the table must be written again');
});

t.test('a kernel without bridge tables', async (t) => {
  const refused = write(`${line}Operation not supported`);
  const filter = new SourceFilter(new NftProgram(new ScriptedExec([refused, refused, refused])));
  await t.rejects(filter.apply(ports), { code: 'Unsupported' });
  const none = { argv: read.argv, exitCode: 1, stderr: `${line}Operation not supported` };
  await new SourceFilter(new NftProgram(new ScriptedExec([none]))).remove();
  t.equal(await filter.isDamaged(true), true);
});
