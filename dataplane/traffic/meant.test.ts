// Which of the rules that have stopped packets is meant by a flow that was refused.
import t from 'tap';
import type { StoppedTraffic } from '../../controlplane/base/traffic';
import { Meant } from './meant';

const stopped = (rule: string, ...objects: readonly string[]): StoppedTraffic => ({
  ...{ verdict: 'reject', cause: objects.length > 0 ? 'service' : 'other', pods: [], packets: 1, bytes: 60 },
  ...{ objects, rule },
});
const web80 = stopped('iptables -t nat -A K8TS-D-0 -d 10.96.0.9/32 -p tcp -m tcp --dport 80 -j MARK', 'shop/web');
const web443 = stopped('iptables -t nat -A K8TS-D-0 -d 10.96.0.9/32 -p tcp -m tcp --dport 443 -j MARK', 'shop/web');
const webRest = stopped('iptables -t nat -A K8TS-D-0 -d 10.96.0.9/32 -j MARK', 'shop/web');
const foreign = stopped('nft inet mine forward: counter drop');
const foreignRange = stopped('iptables -t filter -A FORWARD -d 10.96.0.0/12 -j DROP');
const six = stopped('nft inet mine forward: ip6 daddr fd00::9 tcp dport 80 drop');

const cases: readonly {
  readonly name: string;
  readonly rules: readonly StoppedTraffic[];
  readonly to: string;
  readonly port?: number;
  readonly meant: StoppedTraffic | undefined;
}[] = [
  { name: 'the only rule', rules: [foreign], to: '10.0.0.1', port: 80, meant: foreign },
  { name: 'the one with this address', rules: [foreign, web80], to: '10.96.0.9', port: 80, meant: web80 },
  { name: 'and with this port', rules: [web80, web443, webRest], to: '10.96.0.9', port: 443, meant: web443 },
  { name: 'or for all other ports', rules: [web80, web443, webRest], to: '10.96.0.9', port: 81, meant: webRest },
  { name: 'none with this port', rules: [web80], to: '10.96.0.9', port: 81, meant: undefined },
  { name: 'another address', rules: [web80], to: '10.96.0.90', port: 80, meant: undefined },
  { name: 'a range is for more than one', rules: [foreignRange], to: '10.96.0.9', meant: foreignRange },
  { name: 'two that fit', rules: [foreign, foreignRange], to: '10.96.0.9', meant: undefined },
  { name: 'IPv6', rules: [six], to: 'fd00::9', port: 80, meant: six },
  { name: 'none', rules: [], to: '10.0.0.1', meant: undefined },
];
for (const { name, rules, to, port, meant } of cases) {
  t.test(name, async (t) => {
    const ends = { destination: to, ...(port === undefined ? {} : { port }) };
    const services = meant && meant.objects.length > 0 ? { services: meant.objects } : {};
    t.same(new Meant(rules).rule(ends), meant ? { rule: meant.rule, ...services } : {});
  });
}

t.test('a rule for several Services names none of them', async (t) => {
  const all = stopped('nft ip k8ts verdict: reject', 'a/one', 'a/two');
  t.same(new Meant([all]).rule({ destination: '10.96.0.9' }), { rule: all.rule });
});
