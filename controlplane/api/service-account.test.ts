import t from 'tap';
import { serviceAccounts } from './index';

t.test('kubectl shows no count of Secrets, as in 1.36', async (t) => {
  t.same(
    serviceAccounts.options.columns?.map(({ name }) => name),
    ['Name', 'Age'],
  );
});
