// The file of encryption at rest: what is accepted, what the errors say, and that no error shows a key.
import t from 'tap';
import { readEncryption } from './encryption';

const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n';
const secret = Buffer.alloc(32, 7).toString('base64');
const read = (resources: unknown) => readEncryption(`${head}resources: ${JSON.stringify(resources)}`, 'enc.yaml');
const gcm = (...keys: object[]) => [{ aesgcm: { keys } }];
const one = (providers: object[], resources = ['secrets']) => [{ resources, providers }];
const good = gcm({ name: 'k', secret });

t.test('a valid file', async (t) => {
  const rules = read([
    {
      resources: ['secrets', '*.apps'],
      providers: [...good, { aescbc: { keys: [{ name: 'o', secret }] } }, { identity: {} }],
    },
    { resources: ['*.*'], providers: [{ identity: {} }] },
  ]);
  t.equal(rules.writer('/registry/core/secrets/a/b'), 'k8s:enc:aesgcm:v1:k:');
  t.equal(rules.writer('/registry/apps/deployments/a/b'), 'k8s:enc:aesgcm:v1:k:');
  t.equal(rules.writer('/registry/core/configmaps/a/b'), '');
});

t.test('invalid files', async (t) => {
  const short = Buffer.alloc(31, 7).toString('base64');
  const cases: [string, unknown, RegExp][] = [
    ['no resources', [], /enc.yaml: resources: Required value/],
    ['no names', one(good, []), /resources\[0\].resources: Required value/],
    ['no providers', one([]), /resources\[0\].providers: Required value/],
    ['an empty provider', one([{}]), /provider does not contain any of the expected providers/],
    [
      'two providers in one',
      one([{ identity: {}, ...good[0] }]),
      /more than one provider specified in a single element/,
    ],
    ['no keys', one(gcm()), /aesgcm.keys: Required value/],
    ['no name', one(gcm({ secret })), /keys\[0\].name: Required value: key name is required/],
    ['a colon', one(gcm({ name: 'a:b', secret })), /contains no colon/],
    ['the same name', one(gcm({ name: 'a', secret }, { name: 'a', secret })), /keys\[1\].name: .*stands twice/],
    ['no secret', one(gcm({ name: 'a' })), /keys\[0\].secret: Required value/],
    ['no base64', one(gcm({ name: 'a', secret: '!secret!' })), /secrets must be base64 encoded/],
    ['a wrong length', one(gcm({ name: 'a', secret: short })), /got 31, expected one of \[16 24 32\]/],
    [
      'secretbox',
      one([{ secretbox: { keys: [{ name: 'a', secret }] } }]),
      /secretbox: .*not part of Node.js; use aesgcm/,
    ],
    ['kms', one([{ kms: { apiVersion: 'v2', name: 'x' } }]), /key management services are not supported/],
    ['a star', one(good, ['*']), /use '\*\.' to encrypt all the resources from core API group/],
    ['a wildcard in a name', one(good, ['sec*']), /a wildcard stands for all resources of a group/],
    ['a resource twice', [...one(good), ...one(good)], /resources\[1\].resources\[0\]: .*named twice/],
    ['a hidden resource', [...one(good, ['*.*']), ...one(good)], /an earlier wildcard hides this resource/],
    ['an unknown provider', one([{ rot13: {} }]), /unknown field "resources\[0\].providers\[0\].rot13"/],
  ];
  for (const [name, resources, message] of cases) {
    t.throws(() => read(resources), { code: 'BadRequest', message }, name);
    try {
      read(resources);
    } catch (err) {
      t.notOk(String(err).includes(secret) || String(err).includes(short), `${name}: no key is shown`);
    }
  }
});
