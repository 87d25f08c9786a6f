import t from 'tap';
import { parseOptions } from '../../controlplane/process/options';
import { options } from './options';

const parse = (...argv: string[]) => parseOptions(options, argv, {}).options;

t.test('options', async (t) => {
  const given = parse('--listen=127.0.0.1:6444', '--listen=[::1]:6443', '--servers=A.example:6443,192.0.2.2:6443');
  t.strictSame(given.listen, [
    { host: '127.0.0.1', port: 6444 },
    { host: '::1', port: 6443 },
  ]);
  t.strictSame(given.servers, ['a.example:6443', '192.0.2.2:6443']);
  t.strictSame(parse('--servers=192.0.2.1:6443').listen, [{ host: '127.0.0.1', port: 6444 }]);
});

t.test('wrong options', async (t) => {
  const wrong = [
    [],
    ['--servers='],
    ['--servers=192.0.2.1'],
    ['--servers=192.0.2.1:0'],
    ['--servers=a:1', '--listen=localhost:6444'],
    ['--servers=a:1', '--max-connections=0'],
  ];
  for (const argv of wrong) t.throws(() => parse(...argv), { code: 'BadRequest' }, argv.join(' '));
});
