// Which iptables is installed, and what its messages mean.
import t from 'tap';
import { CommandFailed, NotFound } from '../../controlplane/base/errors';
import { ScriptedExec } from '../../test/lib/scripted-exec';
import { detectBackend, parseVersion } from './backend';
import { classifyFailure } from './classify';

const version = (text: string) => ({ argv: 'iptables --version', stdout: `iptables ${text}\n` });

t.test('mode and version are parsed', (t) => {
  t.same(parseVersion('iptables v1.8.9 (nf_tables)'), { version: '1.8.9', mode: 'nft' });
  t.same(parseVersion('ip6tables v1.8.7 (legacy)'), { version: '1.8.7', mode: 'legacy' });
  t.same(parseVersion('iptables v1.6.1'), { version: '1.6.1', mode: 'legacy' });
  t.throws(() => parseVersion('busybox'), { code: 'Unsupported' });
  t.end();
});

t.test('a kernel with rules of one mode only is accepted', async (t) => {
  const exec = new ScriptedExec([
    version('v1.8.9 (nf_tables)'),
    { argv: 'iptables-legacy-save', stdout: '*nat\n:INPUT ACCEPT [0:0]\nCOMMIT\n' },
  ]);
  t.match(await detectBackend(exec, 4), { mode: 'nft', restore: 'iptables-restore', save: 'iptables-save' });
  const without = new ScriptedExec([
    version('v1.8.9 (nf_tables)'),
    { argv: 'iptables-legacy-save', error: new NotFound('program not installed') },
  ]);
  t.match(await detectBackend(without, 4), { mode: 'nft' });
  const noKernelPart = new ScriptedExec([
    version('v1.8.9 (nf_tables)'),
    { argv: 'iptables-legacy-save', exitCode: 3, stderr: 'Table does not exist (do you need to insmod?)' },
  ]);
  t.match(await detectBackend(noKernelPart, 4), { mode: 'nft' });
});

t.test('mixed rules, an old iptables and a missing iptables are refused with advice', async (t) => {
  const mixed = new ScriptedExec([
    version('v1.8.9 (legacy)'),
    { argv: 'iptables-nft-save', stdout: '-A INPUT -j ACCEPT\n' },
  ]);
  await t.rejects(detectBackend(mixed, 4), { code: 'Unsupported', message: /update-alternatives/ });
  await t.rejects(detectBackend(new ScriptedExec([version('v1.8.2 (nf_tables)')]), 4), { message: /too old/ });
  const missing = new ScriptedExec([{ argv: 'ip6tables --version', error: new NotFound('x') }]);
  await t.rejects(detectBackend(missing, 6), { message: /apt-get install iptables/ });
});

t.test('errors by the text on stderr', (t) => {
  const of = (stderr: string) => classifyFailure(new CommandFailed(['iptables-restore'], 1, stderr));
  t.equal(of('Another app is currently holding the xtables lock'), 'busy');
  t.equal(of("iptables-restore v1.8.9 (nf_tables): Chain 'K8TS-X' does not exist"), 'stale');
  t.equal(of('iptables: No chain/target/match by that name.'), 'stale');
  t.equal(of('Could not fetch rule set generation id: Permission denied (you must be root)'), 'forbidden');
  t.equal(of("Couldn't load match `recent':No such file or directory"), 'unsupported');
  t.equal(of('something new'), 'unknown');
  t.equal(classifyFailure(new Error('timeout')), 'unknown');
  t.end();
});
