// Bearer tokens that a program outside the server knows: over real HTTPS on both sides, by its kubeconfig.
import t, { type Test } from 'tap';
import { startApiServer } from '../../test/lib/api-server';
import { FakeClock } from '../../test/lib/fake-clock';
import { openReviewServer, type ReviewAnswer } from '../../test/lib/review-server';
import { parseOptions } from '../process/options';
import { readTokenWebhook, tokenWebhookOptions } from './token-webhook-options';

const who = '/apis/authentication.k8s.io/v1/selfsubjectreviews';
const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' };
const bearer = (token: string) => ({ as: null, headers: { authorization: `Bearer ${token}` } });
const audience = 'https://kubernetes.default.svc.cluster.local';

async function openLab(t: Test, answer: ReviewAnswer, version = 'v1') {
  const { file, reviews } = await openReviewServer(t, answer);
  const flags = [
    `--authentication-token-webhook-config-file=${file}`,
    `--authentication-token-webhook-version=${version}`,
  ];
  const tokenWebhook = (await readTokenWebhook(parseOptions(tokenWebhookOptions, flags, {}).options))!;
  t.teardown(() => tokenWebhook.transport.close());
  const clock = new FakeClock(Date.now());
  const server = await startApiServer({ tokenWebhook, clock, tokenFile: 'known,static-user,1,ci\n' });
  t.teardown(() => server.close());
  const ask = (token: string) => server.call('POST', who, { ...bearer(token), body });
  return { server, clock, reviews, ask };
}

t.test("a token that the server does not know is the webhook's; its answer counts for two minutes", async (t) => {
  const user = { username: 'joe', uid: '7', groups: ['devs'], extra: { 'example.com/team': ['a', 'b'] } };
  const { reviews, ask, clock } = await openLab(t, ({ token }) =>
    token === 'good' ? { authenticated: true, user } : { authenticated: false, error: 'unknown' },
  );
  t.equal((await ask('known')).json.status.userInfo.username, 'static-user');
  t.equal(reviews.length, 0, 'the server knows it');
  const answers = await Promise.all([ask('good'), ask('good')]);
  for (const { json } of answers) {
    t.same(json.status.userInfo, { ...user, groups: ['devs', 'system:authenticated'] });
  }
  t.match(reviews, [
    {
      path: '/review',
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: 'good', audiences: [audience] },
    },
  ]);
  t.equal((await ask('bad')).status, 401);
  t.equal((await ask('bad')).status, 401);
  t.equal(reviews.length, 2, 'a refusal counts too');
  clock.advance(120_000);
  await ask('good');
  t.equal(reviews.length, 3);
});

t.test('audiences: of the answer, or of this server when it has none', async (t) => {
  const { server } = await openLab(
    t,
    ({ token, audiences }) => ({
      authenticated: true,
      user: { username: 'joe' },
      ...(token === 'aware' ? { audiences: audiences.slice(0, 1) } : token === 'other' ? { audiences: ['else'] } : {}),
    }),
    'v1beta1',
  );
  const review = async (token: string) => {
    const spec = { token, audiences: ['one', 'two'] };
    const { json } = await server.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec } });
    return json.status;
  };
  t.match(await review('aware'), { authenticated: true, audiences: ['one'], user: { username: 'joe' } });
  t.match(await review('plain'), { authenticated: true, audiences: ['one', 'two'] });
  t.match(await review('other'), { error: /invalid bearer token/ });
  t.notOk((await review('other')).authenticated);
});

t.test('a webhook that fails, or answers nonsense, accepts no token', async (t) => {
  const answers: (object | number)[] = [
    400,
    {},
    { authenticated: true },
    { authenticated: true, user: { username: 3 } },
    { authenticated: true, user: { username: 'joe', groups: 'system:masters' } },
    { authenticated: 'true', user: { username: 'joe' } },
  ];
  const { ask, reviews } = await openLab(t, () => answers[reviews.length - 1]!);
  for (const i of answers.keys()) t.equal((await ask(`token-${i}`)).status, 401, JSON.stringify(answers[i]));
  t.equal(reviews.length, answers.length);
});
