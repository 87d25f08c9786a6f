import t from 'tap';
import { chooseEncoding } from './accept-encoding';

t.test('the best encoding that the client allows', async (t) => {
  for (const [accepted, chosen] of [
    ['', 'identity'],
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['GZIP;q=0.1', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0, gzip;q=0', 'identity'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
    ['br;q=0, *', 'gzip'],
    ['br;q=much', 'identity'],
    ['deflate', 'identity'],
    ['identity', 'identity'],
  ] as const) {
    t.equal(chooseEncoding(accepted), chosen, accepted);
  }
});
