import t from 'tap';
import { defaultClassOf } from './default-class';

t.test('the newest of several defaults is used', async (t) => {
  const one = (name: string, creationTimestamp: string, isDefault = 'true') => ({
    metadata: { name, creationTimestamp, annotations: { default: isDefault } },
  });
  const choose = (...classes: ReturnType<typeof one>[]) =>
    defaultClassOf(classes, ({ metadata }) => metadata.annotations.default === 'true');
  const old = one('old', '2026-01-01T00:00:00Z');
  const fresh = one('fresh', '2026-01-02T00:00:00Z');
  t.equal(choose(old, fresh, one('no', '2026-01-03T00:00:00Z', 'false')), 'fresh');
  t.equal(choose(one('b', '2026-01-01T00:00:00Z'), old), 'b');
  t.equal(choose(), undefined);
});
