import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type Logger, silentLogger } from '../../controlplane/base/logger';
import { readState, StateFile } from './state-file';

t.test('changes during a write lead to one more, with the newest text', async (t) => {
  const path = join(t.testdir(), 'state');
  const texts: string[] = [];
  let now = 1;
  const text = () => {
    texts.push(String(now));
    return String(now);
  };
  const file = new StateFile({ path, log: silentLogger, what: 'numbers', text });
  file.save();
  file.save();
  await Promise.resolve();
  await Promise.resolve();
  for (now = 2; now < 5; now++) file.save();
  await file.saved();
  t.same(texts, ['1', '5']);
  t.equal(await readFile(path, 'utf8'), '5');
  t.equal((await stat(path)).mode & 0o777, 0o600);
});

t.test('a file that cannot be written or read is logged, and stops nothing', async (t) => {
  const folder = t.testdir({ file: 'no folder' });
  const said: string[] = [];
  const log: Logger = { ...silentLogger, warn: (message: string) => void said.push(message) };
  const file = new StateFile({ path: join(folder, 'file/state'), log, what: 'numbers', text: () => '1' });
  file.save();
  await file.saved();
  const path = join(folder, 'damaged');
  await writeFile(path, '{');
  const effect = 'numbers begin at 0';
  t.equal(await readState({ path, log, effect }, JSON.parse), undefined);
  t.equal(await readState({ path: join(folder, 'none'), log, effect }, JSON.parse), undefined, 'not logged');
  t.same(said, ['numbers are not stored; the next change tries again', 'a file is not readable; numbers begin at 0']);
});
