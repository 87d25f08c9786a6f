import t from 'tap';
import { slowestString } from '../../test/lib/hostile-strings';
import {
  addQuantities,
  canonicalResource,
  compareQuantities,
  formatQuantity,
  isQuantity,
  milliValue,
  parseQuantity,
  subtractQuantities,
  unitValue,
} from './quantity';

t.test('canonical text', async (t) => {
  const cases: Array<{ text: string | number; canonical: string }> = [
    { text: '0', canonical: '0' },
    { text: '0Gi', canonical: '0' },
    { text: '500m', canonical: '500m' },
    { text: '1000m', canonical: '1' },
    { text: '0.5', canonical: '500m' },
    { text: '.5', canonical: '500m' },
    { text: '1.', canonical: '1' },
    { text: 2, canonical: '2' },
    { text: 0.1, canonical: '100m' },
    { text: '1500', canonical: '1500' },
    { text: '1000', canonical: '1k' },
    { text: '1.5Gi', canonical: '1536Mi' },
    { text: '1024Ki', canonical: '1Mi' },
    { text: '0.5Ki', canonical: '512' },
    { text: '100.5Ki', canonical: '102912' },
    { text: '1e3', canonical: '1e3' },
    { text: '1E3', canonical: '1e3' },
    { text: '12e2', canonical: '1200' },
    { text: '-1.5', canonical: '-1500m' },
    { text: '+1', canonical: '1' },
    { text: '1n', canonical: '1n' },
    { text: '0.1n', canonical: '1n' },
    { text: '1E', canonical: '1E' },
    { text: '99E', canonical: '9223372036854775807' },
    { text: '1e999', canonical: '9223372036854775807' },
    { text: '1e999999999', canonical: '9223372036854775807' },
    { text: '0e999999999', canonical: '0' },
    { text: '1e-999999999', canonical: '1e-9' },
    { text: '-1e-20', canonical: '-1e-9' },
    { text: '9'.repeat(1_000_000), canonical: '9223372036854775807' },
    { text: `${'0'.repeat(1_000_000)}1`, canonical: '1' },
    { text: `0.${'0'.repeat(1_000_000)}1`, canonical: '1n' },
    { text: `1.${'0'.repeat(1_000_000)}`, canonical: '1' },
    { text: `1${'0'.repeat(60)}e-60`, canonical: '1' },
    { text: `0.${'0'.repeat(30)}1e31`, canonical: '1' },
    { text: `0.${'0'.repeat(70)}1e71`, canonical: '1' },
    { text: `1${'0'.repeat(100_000)}e-100000`, canonical: '1' },
    { text: `1${'0'.repeat(199)}1e-200`, canonical: '1000000001e-9' },
  ];
  for (const { text, canonical } of cases) t.equal(formatQuantity(parseQuantity(text)), canonical, String(text));
});

t.test('texts that are not a quantity', async (t) => {
  for (const text of ['', 'abc', '1.2.3', '1 Gi', '1x', '--1', '.']) {
    t.equal(isQuantity(text), false, text);
    t.throws(() => parseQuantity(text), /quantities must match the regular expression/, text);
  }
  for (const text of ['1mm', '1iK', '1ee'])
    t.throws(() => parseQuantity(text), /unable to parse quantity's suffix/, text);
});

t.test('quantities as numbers', async (t) => {
  t.equal(milliValue('1'), 1000);
  t.equal(milliValue('100u'), 1, 'rounds up');
  t.equal(unitValue('1Mi'), 1048576);
  t.equal(unitValue('1500m'), 2, 'rounds up');
  t.equal(unitValue('-1500m'), -2, 'away from zero');
});

t.test('arithmetic is exact', async (t) => {
  const tenth = parseQuantity('0.1');
  let sum = parseQuantity('0');
  for (let i = 0; i < 10; i++) sum = addQuantities(sum, tenth);
  t.equal(compareQuantities(sum, parseQuantity('1')), 0);
  t.equal(
    formatQuantity(addQuantities(parseQuantity('0'), parseQuantity('1Gi'))),
    '1Gi',
    'zero takes the format of the other quantity',
  );
  t.equal(formatQuantity(subtractQuantities(parseQuantity('2Gi'), parseQuantity('1Mi'))), '2047Mi');
  t.equal(compareQuantities(parseQuantity('1'), parseQuantity('2')), -1);
  t.equal(compareQuantities(parseQuantity('2'), parseQuantity('1')), 1);
  t.equal(canonicalResource('1u'), '1m', 'nothing below thousandths');
});

t.test('hostile texts take linear time', async (t) => {
  t.equal(slowestString(isQuantity), undefined);
});
