import t from 'tap';
import { ScriptedExec } from '../../test/lib/scripted-exec';
import { mountArguments, runMount } from './mount-program';

const mount = { type: 'nfs', source: 'a:/x', target: '/m', options: [] };

t.test('a source that a user has chosen is no option of mount(8)', async (t) => {
  t.same(mountArguments({ ...mount, options: ['ro', 'hard'] }), ['-t', 'nfs', '-o', 'ro,hard', '--', 'a:/x', '/m']);
  const exec = new ScriptedExec([]);
  const message = 'the source of a mount must not begin with a dash: -T/folder-of-a-pod:/fstab';
  const hostile = { ...mount, source: '-T/folder-of-a-pod:/fstab' };
  await t.rejects(runMount(exec, hostile, new AbortController().signal), { code: 'BadRequest', message });
});
