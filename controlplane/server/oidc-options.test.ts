// The --oidc-* options as a configuration, and what excludes what.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parseOptions } from '../process/options';
import { oidcOptions, readAuthentication } from './oidc-options';

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
