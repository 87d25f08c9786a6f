import t from 'tap';
import { fitsNumberFormat, formatCheck, isKnownFormat } from './formats';

const texts: Readonly<Record<string, { readonly right: readonly string[]; readonly wrong: readonly string[] }>> = {
  'date-time': {
    right: ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.123+01:00', '2024-02-29T00:00:00z'],
    wrong: ['2026-01-02', '2026-02-29T00:00:00Z', '2026-01-02T24:00:00Z', ''],
  },
  date: { right: ['2024-02-29'], wrong: ['2023-02-29', '2026-1-1', '2026-01-02T00:00:00Z'] },
  duration: { right: ['1h30m', '-1.5s', '22 ns', '3 days', '0'], wrong: ['', '1', 'h', '1 year'] },
  uri: {
    right: ['https://example.com/a?b=c', '/path', 'mailto:a@b.c', 'http://my_host/'],
    wrong: ['', 'example.com', 'a b', 'http://a/%zz'],
  },
  email: { right: ['a@b.c', 'A B <a@b.c>'], wrong: ['a', 'a@', '@b', 'a b@c'] },
  hostname: {
    right: ['example.com', 'a', 'a-b', '1.example.com'],
    wrong: ['', '-a', 'a..b', 'a_b', 'a.b', 'example.com.', 'a'.repeat(64)],
  },
  ipv4: { right: ['10.0.0.1'], wrong: ['10.0.0', '::1', '10.0.0.256'] },
  ipv6: { right: ['::1', 'fd00::1'], wrong: ['10.0.0.1', ':::'] },
  cidr: { right: ['10.0.0.0/8', 'fd00::/64'], wrong: ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/8/8', '/8'] },
  mac: { right: ['00:1a:2B:3c:4d:5e', '00-1a-2b-3c-4d-5e', '001a.2b3c.4d5e'], wrong: ['00:1a', '00:1a-2b:3c:4d:5e'] },
  uuid: { right: ['123e4567-e89b-12d3-a456-426614174000', '123E4567E89B12D3A456426614174000'], wrong: ['123'] },
  uuid4: {
    right: ['123e4567-e89b-42d3-a456-426614174000'],
    wrong: ['123e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-42d3-c456-426614174000'],
  },
  isbn: { right: ['0321751043', '978-0321751041'], wrong: ['0321751044', '978-0321751042'] },
  byte: { right: ['', 'YWJj', 'YQ=='], wrong: ['a', 'a===', 'a$c='] },
  hexcolor: { right: ['#fff', 'FFFFFF'], wrong: ['#ffff'] },
  rgbcolor: { right: ['rgb(255, 0,1)'], wrong: ['rgb(256,0,0)', 'red'] },
  ssn: { right: ['111-11-1111'], wrong: ['11-1'] },
  creditcard: { right: ['4111 1111 1111 1111'], wrong: ['1234'] },
  bsonobjectid: { right: ['507f1f77bcf86cd799439011'], wrong: ['507f'] },
  quantity: { right: ['10Gi', '1500m'], wrong: ['10Giga'] },
  password: { right: ['anything'], wrong: [] },
  'k8s-short-name': { right: ['a-b'], wrong: ['a.b', 'A'] },
  'k8s-long-name': { right: ['a.b'], wrong: ['A'] },
};

for (const [format, { right, wrong }] of Object.entries(texts)) {
  t.test(format, async (t) => {
    const check = formatCheck(format)!;
    for (const text of right) t.ok(check(text), JSON.stringify(text));
    for (const text of wrong) t.notOk(check(text), JSON.stringify(text));
  });
}

t.test('long texts cost no more than their length', async (t) => {
  for (const format of Object.keys(texts)) {
    for (const text of ['1'.repeat(1_000_000), 'a'.repeat(1_000_000), ':'.repeat(1_000_000)]) {
      t.type(formatCheck(format)!(text), 'boolean', format);
    }
  }
});

t.test('numbers', async (t) => {
  t.ok(fitsNumberFormat(2 ** 31 - 1, 'integer', 'int32'));
  t.notOk(fitsNumberFormat(2 ** 31, 'integer', 'int32'));
  t.ok(fitsNumberFormat(2 ** 53, 'integer'));
  t.notOk(fitsNumberFormat(2 ** 63, 'integer', 'int64'));
  t.notOk(fitsNumberFormat(1e39, 'number', 'float'));
  t.ok(fitsNumberFormat(1e39, 'number', 'double'));
});

t.test('which formats a type may have', async (t) => {
  t.ok(isKnownFormat('string', 'datetime'));
  t.notOk(isKnownFormat('string', 'int32'));
  t.ok(isKnownFormat('integer', 'int64'));
  t.notOk(isKnownFormat('number', 'int32'));
  t.notOk(isKnownFormat('object', 'date'));
});
