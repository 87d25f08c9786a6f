import t from 'tap';
import { services } from '../../api/index';
import { AlreadyClaimed } from '../../base/errors';
import { noteRefusal } from './refused-claims';

const refusal = (i: number) => new AlreadyClaimed(`nodeport/${i}`, '/registry/core/services/a/b');

t.test('attempts end when a claim is refused twice or after the limit', async (t) => {
  const one = noteRefusal(undefined, services, 'web', refusal(1));
  const two = noteRefusal(one, services, 'web', refusal(2));
  t.same([...two.keys()], ['nodeport/1', 'nodeport/2']);
  t.same([...one.keys()], ['nodeport/1'], 'an earlier attempt keeps its own list');
  t.throws(() => noteRefusal(two, services, 'web', refusal(1)), {
    code: 'Conflict',
    message: 'Operation cannot be fulfilled on services "web": nodeport/1 is held by core/services/a/b',
  });
  let all = two;
  for (let i = 3; i <= 100; i++) all = noteRefusal(all, services, 'web', refusal(i));
  t.throws(() => noteRefusal(all, services, 'web', refusal(101)), { code: 'Conflict' });
});
