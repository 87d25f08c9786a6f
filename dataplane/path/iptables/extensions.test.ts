import t from 'tap';
import { type Packet, Traveller } from '../packet';
import { extensionOf } from './extensions';

const met = (text: string, more: Partial<Packet> = {}): boolean | undefined => {
  const packet: Packet = {
    ...{ source: '10.0.0.5', destination: '10.0.1.9', protocol: 'tcp', sourcePort: 40_000, destinationPort: 8080 },
    ...{ inInterface: 'cni0', frame: { port: 'veth1', sourceMac: '02:00:00:00:00:aa' } },
    ...more,
  };
  return extensionOf(text)?.(new Traveller(packet, { localAddresses: new Set(), random: () => 0 }));
};

const cases: readonly (readonly [text: string, met: boolean | undefined])[] = [
  ['-m multiport --dports 80,8080', true],
  ['-m multiport --dports 8000:8999', true],
  ['-m multiport --dports 80,443', false],
  ['-m multiport ! --dports 80,443', true],
  ['-m multiport --sports 40000', true],
  ['-m multiport --ports 40000,1', true],
  ['-m iprange --src-range 10.0.0.1-10.0.0.9', true],
  ['-m iprange --src-range 10.0.0.6-10.0.0.9', false],
  ['-m iprange --src-range 10.0.0.1-10.0.0.9 ! --dst-range 10.0.1.1-10.0.1.9', false],
  ['-m mac --mac-source 02:00:00:00:00:AA', true],
  ['-m physdev --physdev-in veth1', true],
  ['-m physdev --physdev-in veth2', false],
  ['-m physdev --physdev-is-bridged', undefined],
  ['-m string --string GET --algo bm', undefined],
];
for (const [text, expected] of cases) t.test(text, async (t) => t.equal(met(text), expected));
