import t from 'tap';
import {
  afterPrefix,
  claimRow,
  claimRows,
  decodeValue,
  encodeValue,
  endOf,
  indexOf,
  isValueKey,
  mainOf,
  readClaimRow,
  revisionAt,
} from './layout';

t.test('a revision holds that of etcd and the index in its transaction', async (t) => {
  t.same([revisionAt(12, 0), revisionAt(12, 34), endOf(12)], [1200, 1234, 1299]);
  t.same([mainOf(1234), indexOf(1234)], [12, 34]);
});

t.test('a value comes back as it was, with its index', async (t) => {
  const values = ['', '{"a":1}', '\x7f', '\x80', '\x81x', '\xff'].map((text) => Buffer.from(text, 'latin1'));
  for (const value of values) {
    for (const index of [0, 1, 99]) t.same(decodeValue(encodeValue(value, index)), { value, index });
  }
  t.equal(encodeValue(values[1]!, 0), values[1], 'JSON text of a write alone is stored as it is');
});

t.test('a read value shares no memory with the answer', async (t) => {
  const answer = Buffer.from('xx{"a":1}');
  const { value } = decodeValue(answer.subarray(2));
  answer.fill(0);
  t.equal(value.toString(), '{"a":1}');
});

t.test('the rows of a claim are in its range, those of longer names are not', async (t) => {
  const { key, rangeEnd } = claimRows('port/80');
  const isIn = (row: Buffer) => row.compare(key) >= 0 && row.compare(rangeEnd) < 0;
  t.ok(isIn(claimRow('port/80', '/registry/a')));
  t.notOk(isIn(claimRow('port/8000', '/registry/a')));
  t.notOk(isIn(claimRow('port/8', '/registry/a')));
  t.same(readClaimRow(claimRow('port/80', '/registry/é')), { claim: 'port/80', owner: '/registry/é' });
  t.notOk(isValueKey(claimRow('port/80', '/registry/a')));
});

t.test('afterPrefix', async (t) => {
  t.equal(afterPrefix(Buffer.from('/a/')).toString(), '/a0');
  t.equal(afterPrefix(Buffer.from('')).toString(), '0', 'all values begin with a slash');
});
