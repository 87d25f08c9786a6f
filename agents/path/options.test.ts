import t from 'tap';
import { parseOptions } from '../../controlplane/process/options';
import { pathOptions, shortForms } from './options';

t.test('short forms as kubectl has them', async (t) => {
  t.same(shortForms(['-n', 'shop', '-ojson', '-o=wide', '-nshop', 'a', '--name=x', '-x']), [
    '--namespace',
    'shop',
    '--output=json',
    '--output=wide',
    '--namespace=shop',
    'a',
    '--name=x',
    '-x',
  ]);
});

t.test('values that are wrong', async (t) => {
  t.throws(() => parseOptions(pathOptions, ['--connect-to=here'], {}), /--connect-to=here: expected an address/);
  t.equal(parseOptions(pathOptions, ['--connect-to=fd00::1'], {}).options.connectTo, 'fd00::1');
  t.equal(parseOptions(pathOptions, [], { NO_COLOR: '1' }).options.color, 'never');
});
