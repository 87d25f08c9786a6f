import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import type { AppError } from '../../../controlplane/base/errors';
import { sendNodeLog } from './node-logs';

t.test('files and folders of the log folder', async (t) => {
  const dir = t.testdir();
  const root = join(dir, 'log');
  await mkdir(join(root, 'pods/a b'), { recursive: true });
  await mkdir(join(root, 'empty'));
  await writeFile(join(root, 'syslog'), 'line 1\nline 2\n');
  await writeFile(join(root, 'pods/<x>&"'), 'odd');
  await writeFile(join(root, 'pods/a:b'), 'colon');
  await writeFile(join(dir, 'secret'), 'of the host');
  await symlink(join(dir, 'secret'), join(root, 'out'));
  await symlink('syslog', join(root, 'current'));
  const server = createServer((request, response) => {
    const parts = (request.url ?? '/').split('/').slice(1).map(decodeURIComponent);
    sendNodeLog(root, parts, response).catch((err: unknown) => response.writeHead(404).end((err as AppError).code));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`);
    return `${answer.status} ${answer.headers.get('content-type')?.split(';')[0]} ${await answer.text()}`;
  };
  const listing = (...links: string[]) =>
    `200 text/html <!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`;
  t.equal(await ask('/syslog'), '200 text/plain line 1\nline 2\n');
  t.equal(await ask('/current'), '200 text/plain line 1\nline 2\n', 'a link inside');
  const odd = '<a href="%3Cx%3E%26%22">&lt;x&gt;&amp;&#34;</a>\n';
  const colon = '<a href="./a:b">a:b</a>\n';
  t.equal(await ask('/pods/'), listing(odd, '<a href="a%20b/">a b/</a>\n', colon));
  t.equal(await ask('/pods'), await ask('/pods/'));
  t.equal(await ask('/empty/'), listing());
  t.match(await ask('/'), /<a href="syslog">syslog<\/a>/);
  t.equal(await ask('/none'), '404 undefined NotFound');
  t.equal(await ask('/out'), '404 undefined Forbidden');
  t.equal(await ask('/..%2Fsecret'), '404 undefined NotFound');
  t.equal(await ask('/pods/%2e%2e/%2e%2e/secret').then((text) => text.includes('host')), false);
});

t.test('what is no file is not opened: a FIFO would wait for its writer', async (t) => {
  await t.rejects(sendNodeLog('/dev', ['null'], {} as never), { code: 'NotFound' });
});
