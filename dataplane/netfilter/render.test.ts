// Rendering and parsing are inverse to each other, in the exact words of iptables-save.
import t from 'tap';
import { parseDump, parseRule, splitDump } from './parse';
import { formatProbability, quote, renderRule } from './render';

const lines = [
  '-A K8TS-SERVICES -d 10.96.0.0/12 -m comment --comment "services 10.96.0.0/12" -j K8TS-D-0a600000-12',
  '-A K8TS-D-0a600000-12 -d 10.96.3.7/32 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 80 -j K8TS-SVC-A',
  '-A K8TS-NODEPORTS -p udp -m comment --comment x -m udp --dport 30000:30015 -j K8TS-N-udp-7530-12',
  '-A K8TS-SERVICES ! -d 127.0.0.0/8 -m comment --comment "k8ts: node ports" -m addrtype --dst-type LOCAL -j K8TS-NODEPORTS',
  '-A K8TS-POSTROUTING -m mark --mark 0x4000/0x4000 -j K8TS-MASQ',
  '-A K8TS-FORWARD -m mark ! --mark 0x0/0xa000 -j K8TS-VERDICT',
  '-A K8TS-MASQ -j MARK --set-xmark 0x4000/0x0',
  '-A K8TS-POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully',
  '-A K8TS-POSTROUTING -s 10.244.1.0/24 -d 10.244.1.0/24 -m conntrack --ctstate DNAT -j K8TS-HAIRPIN',
  '-A K8TS-SVC-A -p tcp -m recent --update --seconds 10800 --reap --name K8TS-X --mask 255.255.255.255 --rsource -j DNAT --to-destination 10.1.1.1:80',
  '-A K8TS-SVC-A -p tcp -m statistic --mode random --probability 0.33333333349 -m recent --set --name K8TS-X --mask 255.255.255.255 --rsource -j DNAT --to-destination 10.1.1.1:80',
  '-A K8TS-VERDICT -p tcp -m mark --mark 0x2000/0x2000 -j REJECT --reject-with tcp-reset',
  '-A K8TS-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  '-A K8TS-FORWARD -p tcp -m tcp --tcp-flags RST,ACK ACK -m conntrack --ctstate INVALID -j DROP',
  '-A INPUT -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK NONE -j DROP',
  '-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80',
  '-A FORWARD -i eth0 -o cni0 -g OTHER',
  '-A PREROUTING -m set --match-set blocked src -j LOG --log-prefix "dropped: " --log-level 4',
  '-A OUTPUT -m owner --uid-owner 0 -j NOTRACK',
  '-A INPUT -m comment --comment "it\\\'s \\"quoted\\"" -j RETURN',
  '-A INPUT',
];

for (const line of lines) {
  t.test(line, (t) => {
    const chain = line.split(' ')[1]!;
    t.equal(renderRule(chain, parseRule(line), 4), line);
    t.end();
  });
}

t.test('unknown words stay as text', (t) => {
  const rule = parseRule('-A PREROUTING -m set --match-set blocked src -j LOG --log-prefix "dropped: "');
  t.same(rule.matches, [{ match: 'opaque', text: '-m set --match-set blocked src' }]);
  t.same(rule.action, { target: 'opaque', text: '-j LOG --log-prefix "dropped: "' });
  t.end();
});

t.test('IPv6 keeps its mask and its brackets', (t) => {
  const line =
    '-A A -p tcp -m recent --set --name X --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource -j DNAT --to-destination [fd00::1]:80';
  t.equal(renderRule('A', parseRule(line), 6), line);
  t.end();
});

t.test('a comment is quoted only when iptables-save quotes it', (t) => {
  t.equal(quote('plain-Text_9'), 'plain-Text_9');
  t.equal(quote('a/b:c'), '"a/b:c"');
  t.equal(quote('say "hi"'), '"say \\"hi\\""');
  t.end();
});

t.test('probabilities are values that the kernel can store', (t) => {
  t.equal(formatProbability(1 / 3), '0.33333333349');
  t.equal(formatProbability(0.25), '0.25000000000');
  t.equal(formatProbability(1 / 7), '0.14285714272');
  t.end();
});

t.test('a dump is split into tables and chains, without counters and comments', (t) => {
  const dump = '# Generated\n*nat\n:PREROUTING ACCEPT [1:2]\n:K8TS-A - [0:0]\n[3:4] -A K8TS-A -j RETURN\nCOMMIT\n';
  t.same(
    [...splitDump(dump).get('nat')!],
    [
      ['PREROUTING', { policy: 'ACCEPT', text: '' }],
      ['K8TS-A', { policy: '-', text: '-A K8TS-A -j RETURN\n' }],
    ],
  );
  t.same(parseDump(dump).get('nat')?.get('PREROUTING'), { name: 'PREROUTING', policy: 'ACCEPT', rules: [] });
  t.throws(() => splitDump('*nat\n-A NOWHERE -j RETURN\n'), { code: 'BadRequest' });
  t.throws(() => parseRule('-N CHAIN'), { code: 'BadRequest' });
  t.throws(() => parseRule('-A CHAIN -s'), { code: 'BadRequest' });
  t.end();
});
