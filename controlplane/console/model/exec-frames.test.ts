import t from 'tap';
import { execQuery, parseFrame, resizeFrame, shellCommand, stdinFrame, tokenProtocol } from './exec-frames';

const message = (channel: number, text: string) => new Uint8Array([channel, ...new TextEncoder().encode(text)]);

t.test('what the server sends', async (t) => {
  t.match(parseFrame(message(1, 'out')), { kind: 'output', bytes: new TextEncoder().encode('out') });
  t.match(parseFrame(message(2, 'err')), { kind: 'output' });
  t.equal(parseFrame(message(1, '')), undefined, 'the empty messages at the beginning');
  t.strictSame(parseFrame(message(3, '{"status":"Success"}')), { kind: 'end', message: '' });
  const failure = message(3, '{"status":"Failure","message":"command terminated with exit code 3"}');
  t.strictSame(parseFrame(failure), { kind: 'end', message: 'command terminated with exit code 3' });
  t.strictSame(parseFrame(message(3, 'odd')), { kind: 'end', message: 'odd' });
  t.equal(parseFrame(message(255, '')), undefined);
  t.equal(parseFrame(new Uint8Array()), undefined);
});

t.test('what the page sends', async (t) => {
  t.strictSame([...stdinFrame('é')], [0, 0xc3, 0xa9]);
  t.equal(new TextDecoder().decode(resizeFrame(80, 24)), '\u0004{"Width":80,"Height":24}');
  t.equal(execQuery('c', ['a b', 'c']), 'container=c&stdin=true&stdout=true&tty=true&command=a+b&command=c');
  t.equal(shellCommand[0], 'sh');
  t.equal(tokenProtocol('a?>é'), `base64url.bearer.authorization.k8s.io.${Buffer.from('a?>é').toString('base64url')}`);
});
