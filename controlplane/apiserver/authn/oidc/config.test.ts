// The file of other token issuers: what is accepted, and what the errors say.
import t from 'tap';
import { readAuthenticationConfig } from './config';

const own = 'https://kubernetes.default.svc.cluster.local';
const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthenticationConfiguration\n';
const read = (text: string) => readAuthenticationConfig(text, 'auth.yaml', [own]);

/** A file with one issuer, changed at the given places. */
function file(change: Record<string, unknown> = {}): string {
  const issuer = { url: 'https://issuer.example.com', audiences: ['app'] };
  const jwt = { issuer, claimMappings: { username: { claim: 'sub', prefix: '' } }, ...change };
  return (
    head +
    JSON.stringify({ jwt: [jwt] })
      .slice(1, -1)
      .replace(/^"jwt":/, 'jwt: ')
  );
}

t.test('a valid file', async (t) => {
  t.match(read(file()), { jwt: [{ issuer: { audiences: ['app'] } }] });
  t.match(read(`${head}anonymous: {enabled: true, conditions: [{path: /livez}]}`), { anonymous: { enabled: true } });
  t.same(read(head).jwt, undefined);
  t.ok(read(file().replace('/v1', '/v1beta1')));
});

t.test('invalid files', async (t) => {
  const url = 'https://issuer.example.com';
  const mappings = (claimMappings: object) => ({ claimMappings });
  const cases: [string, string, RegExp][] = [
    ['another kind', 'apiVersion: v1\nkind: Secret\n', /^auth.yaml: expected kind AuthenticationConfiguration of/],
    ['no YAML', `${head}jwt: [`, /^auth.yaml: error converting YAML to JSON/],
    ['an unknown field', `${head}jwts: []`, /strict decoding error: unknown field "jwts"/],
    ['a field twice', `${head}jwt: []\njwt: []`, /duplicate field "jwt"/],
    ['a wrong type', `${head}jwt: 7`, /auth.yaml: .*jwt/],
    ['no url', file({ issuer: { audiences: ['a'] } }), /jwt\[0\].issuer.url: Required value/],
    ['http', file({ issuer: { url: 'http://x', audiences: ['a'] } }), /URL scheme must be https/],
    ['a user in the url', file({ issuer: { url: 'https://u:p@x', audiences: ['a'] } }), /must not contain a username/],
    ['a query', file({ issuer: { url: 'https://x?y', audiences: ['a'] } }), /must not contain a query/],
    [
      "the server's own issuer",
      file({ issuer: { url: own, audiences: ['a'] } }),
      /must not overlap with disallowed issuers/,
    ],
    ['no audience', file({ issuer: { url } }), /issuer.audiences: Required value/],
    ['several audiences', file({ issuer: { url, audiences: ['a', 'b'] } }), /must be MatchAny for multiple audiences/],
    [
      'the same audience',
      file({ issuer: { url, audiences: ['a', 'a'], audienceMatchPolicy: 'MatchAny' } }),
      /Duplicate value: "a"/,
    ],
    [
      'the same discovery',
      file({ issuer: { url, audiences: ['a'], discoveryURL: `${url}/` } }),
      /must be different from URL/,
    ],
    ['no user name', file(mappings({})), /claimMappings.username: Required value: claim or expression is required/],
    [
      'no prefix',
      file(mappings({ username: { claim: 'sub' } })),
      /username.prefix: Required value: prefix is required/,
    ],
    ['both', file(mappings({ username: { claim: 'a', expression: 'b', prefix: '' } })), /can't both be set/],
    ['no expression', file(mappings({ username: { expression: 'claims.' } })), /username.expression: Invalid value/],
    ['no text', file(mappings({ username: { expression: 'true' } })), /must evaluate to string but got bool/],
    [
      'an unverified address',
      file(mappings({ username: { expression: 'claims.email' } })),
      /claims.email_verified must be used/,
    ],
    [
      'a key without a domain',
      file(mappings({ username: { claim: 'a', prefix: '' }, extra: [{ key: 'x', valueExpression: '"y"' }] })),
      /domain-prefixed path/,
    ],
    [
      'a key of Kubernetes',
      file(mappings({ username: { claim: 'a', prefix: '' }, extra: [{ key: 'x.k8s.io/y', valueExpression: '"y"' }] })),
      /are reserved for Kubernetes use/,
    ],
    ['an empty rule', file({ claimValidationRules: [{}] }), /claimValidationRules\[0\]: Required value/],
    [
      'the same rule',
      file({ claimValidationRules: [{ claim: 'a' }, { claim: 'a' }] }),
      /claimValidationRules\[1\].claim: Duplicate value: "a"/,
    ],
    [
      'an unknown variable',
      file({ userValidationRules: [{ expression: 'claims.x' }] }),
      /undeclared reference to 'claims'/,
    ],
    [
      'an unknown field of users',
      file({ userValidationRules: [{ expression: 'user.name == ""' }] }),
      /undefined field 'name'/,
    ],
    [
      'closed, with conditions',
      `${head}anonymous: {enabled: false, conditions: [{path: /x}]}`,
      /enabled should be set to true/,
    ],
  ];
  for (const [name, text, message] of cases) t.throws(() => read(text), { code: 'BadRequest', message }, name);
});
