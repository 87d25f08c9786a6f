import t from 'tap';
import {
  type OptionTable,
  parseBoolean,
  parseDuration,
  parseInteger,
  parseList,
  parseOneOf,
  parseOptions,
  parseText,
  renderOptions,
} from './options';

const table = {
  name: { flag: 'node-name', env: 'NODE_NAME', placeholder: 'NAME', help: 'the node', parse: parseText },
  port: { flag: 'port', placeholder: 'PORT', default: '80', help: 'the port', parse: parseInteger(1, 65535) },
  mode: { flag: 'mode', placeholder: 'MODE', default: 'a', help: 'the mode', parse: parseOneOf('a', 'b') },
  quiet: { flag: 'quiet', default: 'false', help: 'say less', parse: parseBoolean },
  parts: { flag: 'parts', placeholder: 'LIST', default: '', help: 'which', parse: parseList },
} satisfies OptionTable;

void t.test('command line before environment before defaults', async (t) => {
  const env = { NODE_NAME: 'from-env' };
  t.match(parseOptions(table, [], env).options, { name: 'from-env', port: 80, mode: 'a', quiet: false, parts: [] });
  const { options, positional } = parseOptions(
    table,
    ['x', '--node-name=n', '--port', '81', '--quiet', '--parts', 'a, b', 'y'],
    env,
  );
  t.same(options, { name: 'n', port: 81, mode: 'a', quiet: true, parts: ['a', 'b'] });
  t.same(positional, ['x', 'y']);
  t.equal(parseOptions(table, ['--node-name', 'n', '--no-quiet'], {}).options.quiet, false);
});

void t.test('every mistake names the option', async (t) => {
  const cases: Array<{ argv: string[]; message: RegExp }> = [
    { argv: [], message: /--node-name is required/ },
    { argv: ['--node-name'], message: /--node-name needs a value: NAME/ },
    { argv: ['--node-name', 'n', '--nope'], message: /unknown option --nope/ },
    { argv: ['--node-name', 'n', '--port', '0'], message: /--port=0: expected a whole number from 1 to 65535/ },
    { argv: ['--node-name', 'n', '--mode=c'], message: /--mode=c: expected one of a, b/ },
    { argv: ['--node-name', 'n', '--quiet=maybe'], message: /--quiet=maybe: expected true or false/ },
    { argv: ['--node-name', 'n', '--no-port'], message: /unknown option --no-port/ },
  ];
  for (const { argv, message } of cases) t.throws(() => parseOptions(table, argv, {}), { code: 'BadRequest', message });
});

void t.test('help lists every option with its default', async (t) => {
  const help = renderOptions(table);
  t.match(help, /--node-name NAME +the node \(required; env NODE_NAME\)/);
  t.match(help, /--port PORT +the port \(default 80\)/);
  t.match(help, /--quiet +say less/);
});

void t.test('a duration has units, no sign and no fraction', async (t) => {
  t.same(['0', '90s', '1h30m', '24h', '7d'].map(parseDuration), [0, 90_000, 5_400_000, 86_400_000, 604_800_000]);
  for (const text of ['', '10', '-1h', '1.5h', '1 h', 'h', '1w']) t.throws(() => parseDuration(text), /like 90s/, text);
});
