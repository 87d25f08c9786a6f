import t from 'tap';
import { partsOfLine, withoutManagedFields } from './yaml-text';

const object = (fields: string) => `apiVersion: v1
kind: Pod
metadata:
  creationTimestamp: "2026-01-01T00:00:00Z"
${fields}  name: web
spec:
  a: 1
`;

t.test('managed fields are left out, in both forms of lists', async (t) => {
  for (const list of [
    '  managedFields:\n  - apiVersion: v1\n    fieldsV1:\n      f:a: {}\n  - manager: x\n',
    '  managedFields:\n    - apiVersion: v1\n      fieldsV1:\n        f:a: {}\n',
    '',
  ]) {
    t.equal(withoutManagedFields(object(list)), object(''), list);
  }
  const last = 'metadata:\n  name: a\n  managedFields:\n  - x: 1\n';
  t.equal(withoutManagedFields(last), 'metadata:\n  name: a\n');
});

t.test('a field of this name elsewhere stays', async (t) => {
  for (const text of [
    'spec:\n  managedFields:\n  - a\n',
    'metadata:\n  name: a\nspec:\n  managedFields:\n    b: 1\n',
    'a: 1',
  ]) {
    t.equal(withoutManagedFields(text), text, text);
  }
});

t.test('the parts of a line', async (t) => {
  const shown = (line: string) =>
    partsOfLine(line)
      .map(({ kind, text }) => `${kind}<${text}>`)
      .join('');
  for (const [line, parts] of [
    ['  name: web', 'space<  >key<name:>value< web>'],
    ['metadata:', 'space<>key<metadata:>'],
    ['  - name: "a: b"', 'space<  - >key<name:>text< "a: b">'],
    ['  - plain', 'space<  - >value<plain>'],
    ['  - "a: b"', 'space<  - >text<"a: b">'],
    ['# note: x', 'space<>comment<# note: x>'],
    ['', 'space<>value<>'],
    ['    f:spec:', 'space<    >key<f:spec:>'],
  ] as const) {
    t.equal(shown(line), parts, line);
    t.equal(
      partsOfLine(line)
        .map(({ text }) => text)
        .join(''),
      line,
    );
  }
});
