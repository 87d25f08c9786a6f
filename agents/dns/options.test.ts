import t from 'tap';
import { parseOptions } from '../../controlplane/process/options';
import { options, parseResolvConf } from './options';

const required = ['--kubeconfig', 'f', '--node-name', 'n1', '--node-ip', '192.168.57.10'];

t.test('upstream servers are addresses with an optional port', async (t) => {
  const parse = (upstream: string) => parseOptions(options, [...required, '--upstream', upstream], {}).options.upstream;
  t.same(parse('10.0.0.1, 10.0.0.2:5353,fd00::1,[fd00::2]:5353'), [
    { host: '10.0.0.1', port: 53 },
    { host: '10.0.0.2', port: 5353 },
    { host: 'fd00::1', port: 53 },
    { host: 'fd00::2', port: 5353 },
  ]);
  for (const wrong of ['dns.example.com', '10.0.0.1:0', '10.0.0.1:x', ':53']) {
    t.throws(() => parse(wrong), { code: 'BadRequest', message: /^--upstream=/ }, wrong);
  }
});

t.test('name servers of a resolv.conf, without stubs and own addresses', async (t) => {
  const text = `# made by hand
nameserver 127.0.0.53
nameserver 192.168.57.10
  nameserver 192.0.2.1
search example.com
nameserver fd00::53
nameserver nonsense
`;
  t.same(parseResolvConf(text, ['192.168.57.10']), [
    { host: '192.0.2.1', port: 53 },
    { host: 'fd00::53', port: 53 },
  ]);
});
