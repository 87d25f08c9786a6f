import t from 'tap';
import { bold, fitted, sizeOf, small } from './sizes';

const box = (name: string) => ({ kind: 'service' as const, name, pods: [] });

t.test('a box is as wide as its name, within limits', async (t) => {
  t.equal(sizeOf(box('api')).width, 190);
  t.equal(sizeOf(box('codereviewapi-node')).width, 210);
  t.equal(sizeOf(box('a-name-that-is-much-longer-than-any-box')).width, 236);
  t.equal(sizeOf({ ...box(''), kind: 'entry' }).width, 214);
});

t.test('a text that is too long ends in an ellipsis, within its width', async (t) => {
  t.equal(fitted('api', 100, bold), 'api');
  t.equal(fitted('codereviewapi', 100, bold), 'codereview…');
  t.equal(fitted('节点的入口', 50, small), '节点的…');
  t.equal(fitted('x', 1, small), '…');
});
