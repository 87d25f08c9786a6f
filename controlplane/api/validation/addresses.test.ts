// One rule for every address that a user names and nodes send packets to, tested with each kind that has such addresses.
import t from 'tap';
import { endpointSlices } from '../endpoint-slice';
import { endpoints } from '../endpoints';
import { services } from '../service';
import { validateDestination } from './addresses';

const loopback = 'may not be in the loopback range (127.0.0.0/8, ::1/128)';
const linkLocal = 'may not be in the link-local range (169.254.0.0/16, fe80::/10)';
const linkMulticast = 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)';
const multicast = 'may not be in the multicast range (224.0.0.0/4, ff00::/8)';
const mapped = 'must not be an IPv4-mapped IPv6 address';
const refused: ReadonlyArray<readonly [ip: string, why: string]> = [
  ['127.0.0.1', loopback],
  ['127.255.255.254', loopback],
  ['::1', loopback],
  ['169.254.169.254', linkLocal],
  ['fe80::1', linkLocal],
  ['febf:ffff::1', linkLocal],
  ['0.0.0.0', 'may not be unspecified (0.0.0.0)'],
  ['::', 'may not be unspecified (::)'],
  ['224.0.0.1', linkMulticast],
  ['ff02::1', linkMulticast],
  ['239.1.2.3', multicast],
  ['ff0e::1', multicast],
  ['255.255.255.255', 'may not be the limited broadcast address (255.255.255.255)'],
  ['::ffff:127.0.0.1', mapped],
  ['::ffff:10.0.0.1', mapped],
  ['::FFFF:7F00:1', mapped],
];
const allowed = ['10.0.0.1', '192.168.1.255', '1.1.1.1', '128.0.0.1', 'fd00::1', '2001:db8::1', '::2'];
const noAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

t.test('addresses that no endpoint may have', async (t) => {
  for (const [ip, why] of refused) {
    t.same(validateDestination(ip, 'f'), [
      { reason: 'FieldValueInvalid', field: 'f', message: `Invalid value: "${ip}": ${why}` },
    ]);
  }
  for (const ip of allowed) t.same(validateDestination(ip, 'f'), [], ip);
  for (const ip of ['', 'x', '10.0.0', '010.0.0.1', 'fe80::1%eth0', '2001:db8::1%1', '10.0.0.1/8', ' 10.0.0.1']) {
    t.match(validateDestination(ip, 'f'), [{ message: `Invalid value: ${JSON.stringify(ip)}: ${noAddress}` }]);
  }
});

t.test('both kinds of endpoints, and external IPs', async (t) => {
  const context = { subresource: '' };
  for (const ip of [...refused.map(([ip]) => ip), ...allowed]) {
    const expected = validateDestination(ip, '').map(({ message }) => message);
    const messages = (causes: readonly { message: string }[] | undefined) => causes?.map(({ message }) => message);
    const subset = { subsets: [{ addresses: [{ ip }], notReadyAddresses: [{ ip }], ports: [{ port: 80 }] }] };
    t.same(messages(endpoints.options.validate?.(subset, context)), [...expected, ...expected], `Endpoints ${ip}`);
    const slice = { addressType: ip.includes(':') ? 'IPv6' : 'IPv4', endpoints: [{ addresses: [ip] }], ports: [] };
    t.same(messages(endpointSlices.options.validate?.(slice as never, context)), expected, `EndpointSlice ${ip}`);
    const service = { spec: { ports: [{ port: 80 }], externalIPs: [ip] } };
    services.options.defaults?.(service);
    t.same(messages(services.options.validate?.(service, context)), expected, `Service ${ip}`);
  }
});

t.test('an object stored under older rules can change in other fields', async (t) => {
  const old = { metadata: { name: 'e' }, addressType: 'IPv4', endpoints: [{ addresses: ['127.0.0.1'] }] };
  const now = { ...old, metadata: { name: 'e', labels: { a: 'b' } } };
  const validate = endpointSlices.options.validate!;
  t.same(validate(now as never, { subresource: '', old: old as never }), []);
  const worse = { ...old, endpoints: [{ addresses: ['127.0.0.1', '127.0.0.2'] }] };
  t.match(validate(worse as never, { subresource: '', old: old as never }), [{ field: 'endpoints[0].addresses[1]' }]);
});

t.test('application protocols and classes are checked as names', async (t) => {
  const wrong = 'a\nb';
  const field = (causes: readonly { field: string }[] | undefined) => causes?.map((cause) => cause.field);
  const context = { subresource: '' };
  t.same(
    field(
      endpointSlices.options.validate?.(
        { addressType: 'IPv4', endpoints: [], ports: [{ port: 80, appProtocol: wrong }] } as never,
        context,
      ),
    ),
    ['ports[0].appProtocol'],
  );
  t.same(
    field(
      endpoints.options.validate?.(
        { subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, appProtocol: wrong }] }] },
        context,
      ),
    ),
    ['subsets[0].ports[0].appProtocol'],
  );
  const service = {
    spec: { type: 'LoadBalancer', ports: [{ port: 80, appProtocol: wrong }], loadBalancerClass: wrong },
  };
  services.options.defaults?.(service);
  t.same(field(services.options.validate?.(service, context)), ['spec.ports[0].appProtocol', 'spec.loadBalancerClass']);
});
