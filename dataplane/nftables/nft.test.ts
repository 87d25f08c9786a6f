// Commands and listings with a scripted program; test/kernel/nftables.test.ts runs the real one.
import t from 'tap';
import { AppError, NotFound } from '../../controlplane/base/errors';
import { ScriptedExec } from '../../test/lib/scripted-exec';
import { parseListing } from './listing';
import { NftProgram } from './nft';
import { tableText } from './structure';
import { comment, elementCommands, elementsPerCommand, maxComment } from './text';

const table = { family: 'ip', name: 'k8ts' } as const;

t.test('a transaction is one call with the text on standard input; empty text is none', async (t) => {
  const exec = new ScriptedExec([{ argv: 'nft -f -' }]);
  const nft = new NftProgram(exec);
  await nft.run('add table ip k8ts\n');
  await nft.run('');
  t.strictSame(exec.calls, [{ argv: ['nft', '-f', '-'], input: 'add table ip k8ts\n' }]);
});

t.test('failures have a code for the reaction, and name the line', async (t) => {
  const said = (what: string) => `/dev/stdin:2:1-7: Error: ${what}\nadd rule\n^^^^^^^\n`;
  const cases = [
    [said('Could not process rule: No such file or directory'), 'Unavailable', 'stale'],
    [said('Could not process rule: File exists'), 'Unavailable', 'stale'],
    [said('Could not process rule: Device or Resource busy'), 'Unavailable', 'busy'],
    [said('syntax error, unexpected newline'), 'Unsupported', 'unsupported'],
    [said('Could not process rule: Operation not supported'), 'Unsupported', 'unsupported'],
    ['Operation not permitted (you must be root)\n', 'Forbidden', 'forbidden'],
    ['Segmentation fault\n', 'Unavailable', 'unknown'],
  ] as const;
  for (const [stderr, code, failure] of cases) {
    const nft = new NftProgram(new ScriptedExec([{ argv: 'nft -f -', exitCode: 1, stderr }]));
    const err = await nft.run('add table ip k8ts\nadd rule ip k8ts c x\n').catch((err: unknown) => err);
    t.ok(err instanceof AppError);
    t.match(err, { code, details: { failure } }, stderr);
    if (stderr.startsWith('/dev')) t.match(err, { details: { line: 'add rule ip k8ts c x' } });
  }
  const missing = new NftProgram(
    new ScriptedExec([{ argv: 'nft -f -', error: new NotFound('program not installed') }]),
  );
  await t.rejects(missing.run('x'), { code: 'Unsupported', message: /apt-get install nftables/ });
});

t.test('the text of one table is cut out of the rule set', async (t) => {
  const ours = 'table ip k8ts {\n\tchain a {\n\t\taccept\n\t}\n}\n';
  const others = 'table ip nat {\n\tchain b {\n\t}\n}\n';
  for (const text of [ours, others + ours, ours + others, others + ours + others.replace('nat', 'k8ts-more')]) {
    t.equal(tableText(text, 'ip', 'k8ts'), ours);
  }
  t.equal(tableText(others, 'ip', 'k8ts'), undefined);
  t.equal(tableText('', 'ip', 'k8ts'), undefined);
  const nft = new NftProgram(new ScriptedExec([{ argv: 'nft -n -s -t list ruleset ip', stdout: others + ours }]));
  t.equal(await nft.structure(table), ours);
});

t.test('elements are parsed to the text that was written', async (t) => {
  const elem = (val: unknown, rest: object = {}) => ({ elem: { val, ...rest } });
  const key = { concat: ['10.96.0.10', 'tcp', 80] };
  const nftables = [
    { metainfo: { version: '1.0.6' } },
    { table: { family: 'ip', name: 'k8ts', handle: 1 } },
    { map: { name: 'm', map: 'verdict', elem: [[elem(key, { comment: 'shop/web' }), { goto: { target: 'c2' } }]] } },
    { map: { name: 'n', map: ['ipv4_addr', 'inet_service'], elem: [[key, { concat: ['10.244.1.5', 8080] }]] } },
    {
      set: {
        name: 's',
        elem: [{ prefix: { addr: '10.0.0.0', len: 8 } }, { range: [80, 90] }, elem('a', { expires: 3 })],
      },
    },
    { set: { name: 'empty' } },
  ];
  const { sets } = parseListing(JSON.stringify({ nftables }));
  t.strictSame(
    [...sets].map(([name, elements]) => [name, ...elements]),
    [
      ['m', ['10.96.0.10 . tcp . 80', { value: 'goto c2', comment: 'shop/web' }]],
      ['n', ['10.96.0.10 . tcp . 80', { value: '10.244.1.5 . 8080' }]],
      ['s', ['10.0.0.0/8', {}], ['80-90', {}], ['a', {}]],
      ['empty'],
    ],
  );
  t.throws(() => parseListing(JSON.stringify({ nftables: [{ set: { name: 's', elem: [{ odd: 1 }] } }] })), {
    code: 'Unsupported',
  });
});

t.test('reading a missing table is not an error', async (t) => {
  const stderr = 'Error: No such file or directory\nlist table ip k8ts\n';
  const nft = new NftProgram(new ScriptedExec([{ argv: 'nft -n -j list table ip k8ts', exitCode: 1, stderr }]));
  t.equal(await nft.read(table), undefined);
});

t.test('text cannot end its comment; long element lists become several commands', async (t) => {
  t.equal(comment('shop/web:http'), 'comment "shop/web:http"');
  t.equal(comment('a" ; flush ruleset\n'), `comment "a' ; flush ruleset'"`);
  t.equal(comment('x'.repeat(300)).length, 'comment ""'.length + maxComment);
  t.ok(Buffer.byteLength(comment('é'.repeat(300))) <= 'comment ""'.length + maxComment);
  const many = Array.from({ length: elementsPerCommand + 1 }, (_, i) => `${i}`);
  const lines = elementCommands('add', 'ip k8ts', 's', many).split('\n');
  t.equal(lines.length, 3);
  t.equal(lines[1], `add element ip k8ts s { ${elementsPerCommand} }`);
  t.equal(elementCommands('add', 'ip k8ts', 's', []), '');
});
