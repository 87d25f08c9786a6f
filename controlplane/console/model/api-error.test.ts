import t from 'tap';
import { errorOf, isStatus, messageOf } from './api-error';

t.test('the words of the server, in whatever form they come', async (t) => {
  t.match(errorOf(403, 'Forbidden', '{"message":"no","reason":"Forbidden"}'), { message: 'no', reason: 'Forbidden' });
  t.match(errorOf(404, 'Not Found', 'kind: Status\nmessage: pods "a" not found\n'), { message: 'pods "a" not found' });
  t.match(errorOf(502, 'Bad Gateway', ' broken \n'), { message: 'broken' });
  t.match(errorOf(500, 'Internal Server Error', ''), { message: 'Internal Server Error' });
  t.ok(isStatus(errorOf(409, '', ''), 409));
  t.notOk(isStatus(new Error('409'), 409));
  t.equal(messageOf('text'), 'text');
});
