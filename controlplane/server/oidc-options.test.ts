// The --oidc-* options as a configuration, and what excludes what.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { FakeClock } from '../../test/lib/fake-clock';
import { silentLogger } from '../base/logger';
import { parseOptions } from '../process/options';
import { lookMs } from './follow-file';
import { followAuthentication, oidcOptions, readAuthentication } from './oidc-options';

const own = ['https://kubernetes.default.svc.cluster.local'];
const parse = (argv: readonly string[]) => parseOptions(oidcOptions, argv, {}).options;
const read = (...argv: string[]) => readAuthentication(parse(argv), own);
const url = 'https://issuer.example.com';
const basic = [`--oidc-issuer-url=${url}`, '--oidc-client-id=app'];

t.test('options of one issuer', async (t) => {
  const cases: [string[], object][] = [
    [[], { username: { claim: 'sub', prefix: `${url}#` } }],
    [['--oidc-username-claim=email'], { username: { claim: 'email', prefix: '' } }],
    [['--oidc-username-prefix=-'], { username: { claim: 'sub', prefix: '' } }],
    [['--oidc-username-prefix=x:'], { username: { claim: 'sub', prefix: 'x:' } }],
    [['--oidc-groups-claim=roles', '--oidc-groups-prefix=y:'], { groups: { claim: 'roles', prefix: 'y:' } }],
  ];
  for (const [argv, claimMappings] of cases) {
    t.match((await read(...basic, ...argv)).config.jwt, [{ issuer: { url, audiences: ['app'] }, claimMappings }]);
  }
  const { config, signingAlgorithms } = await read(
    ...basic,
    '--oidc-required-claim=a=b',
    '--oidc-required-claim=c=d=e',
    '--oidc-signing-algs=ES256,PS512',
  );
  t.same(config.jwt?.[0]?.claimValidationRules, [
    { claim: 'a', requiredValue: 'b' },
    { claim: 'c', requiredValue: 'd=e' },
  ]);
  t.same(signingAlgorithms, ['ES256', 'PS512']);
  t.same((await read(...basic)).signingAlgorithms, ['RS256']);
  t.same((await read()).config, {});
  t.same((await read('--anonymous-auth=false')).config, { anonymous: { enabled: false } });
});

t.test('what is refused', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'k8ts-oidc-options-'));
  t.teardown(() => rm(dir, { recursive: true }));
  const file = join(dir, 'auth.yaml');
  const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n';
  await writeFile(file, `${head}anonymous: {enabled: true}\n`);
  t.match((await read(`--authentication-config=${file}`)).config, { anonymous: { enabled: true } });
  const cases: [string[], RegExp][] = [
    [[basic[0]!], /needed together/],
    [[basic[1]!], /needed together/],
    [['--oidc-issuer-url=http://x', basic[1]!], /URL scheme must be https/],
    [[`--oidc-issuer-url=${own[0]}`, basic[1]!], /disallowed issuers/],
    [[...basic, `--authentication-config=${file}`], /exclude each other/],
    [['--anonymous-auth=false', `--authentication-config=${file}`], /exclude each other/],
  ];
  for (const [argv, message] of cases) await t.rejects(read(...argv), { message }, argv.join(' '));
  t.throws(() => parse(['--oidc-signing-algs=none']), /unsupported signing alg none/);
  t.throws(() => parse(['--oidc-signing-algs=HS256']), /unsupported signing alg HS256/);
  t.throws(() => parse(['--oidc-required-claim=x']), /expected CLAIM=VALUE/);
});

t.test('a changed file is used while the server runs', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'auth.yaml');
  const write = async (text: string) => {
    await writeFile(
      `${file}.new`,
      `apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n${text}`,
    );
    await rename(`${file}.new`, file);
  };
  await write('anonymous: {enabled: true, conditions: [{path: /livez}]}');
  const options = parse([`--authentication-config=${file}`]);
  const clock = new FakeClock();
  const errors: unknown[] = [];
  const log = { ...silentLogger, error: (_: string, fields?: { error?: unknown }) => void errors.push(fields?.error) };
  const server = await startApiServer({ authentication: await readAuthentication(options, own) });
  const stop = new AbortController();
  t.teardown(async () => {
    stop.abort();
    await server.close();
  });
  void followAuthentication(
    options,
    own,
    (changed) => server.api.useAuthentication(changed),
    { clock, log },
    stop.signal,
  );
  const statuses = async () =>
    Promise.all(['/livez', '/readyz'].map(async (path) => (await server.call('GET', path, { as: null })).status));
  const until = async (holds: () => Promise<boolean>) => {
    const end = Date.now() + 20_000;
    while (!(await holds())) {
      if (Date.now() > end) throw new Error('the awaited state did not come');
      clock.advance(lookMs);
    }
  };
  t.same(await statuses(), [200, 401]);
  await write('anonymous: {enabled: true, conditions: [{path: /readyz}]}');
  await until(async () => (await statuses())[1] === 200);
  t.same(await statuses(), [401, 200]);
  await write('anonymous: nonsense');
  await until(async () => {
    await statuses();
    return errors.length > 0;
  });
  t.match(String(errors[0]), /auth.yaml/);
  t.same(await statuses(), [401, 200], 'the file from before counts');
});
