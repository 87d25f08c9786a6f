// The rules of spec.conversion. The causes are those of kube-apiserver 1.36.3.
import t from 'tap';
import type { CrdConversion } from './types';
import { validateConversion } from './validate-conversion';

const at = 'spec.conversion';
const config = `${at}.webhookClientConfig`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
type Webhook = NonNullable<CrdConversion['webhook']>;
type Config = NonNullable<Webhook['clientConfig']>;
const webhook = (change: Partial<Webhook> = {}): CrdConversion => ({
  strategy: 'Webhook',
  webhook: { clientConfig: { url: 'https://a.example.com' }, conversionReviewVersions: ['v1'], ...change },
});
const client = (clientConfig: object) => webhook({ clientConfig: clientConfig as Config });

function causes(conversion: CrdConversion | undefined, old?: CrdConversion, isEstablished = false): string[] {
  return validateConversion(conversion, { old, isEstablished }).map(({ field, message }) => `${field}: ${message}`);
}

const unused = 'Forbidden: should not be set when strategy is not set to Webhook';
const cases: readonly { readonly name: string; readonly given: CrdConversion; readonly found: readonly string[] }[] = [
  { name: 'a URL', given: webhook(), found: [] },
  { name: 'a Service', given: client({ service: { name: 'a', namespace: 'b', port: 443 } }), found: [] },
  {
    name: 'no strategy',
    given: { ...webhook(), strategy: '' },
    found: [`${at}.strategy: Required value`, `${config}: ${unused}`, `${at}.conversionReviewVersions: ${unused}`],
  },
  {
    name: 'another strategy',
    given: { strategy: 'X' },
    found: [`${at}.strategy: Unsupported value: "X": supported values: "None", "Webhook"`],
  },
  {
    name: 'a webhook that is not used',
    given: { ...webhook(), strategy: 'None' },
    found: [`${config}: ${unused}`, `${at}.conversionReviewVersions: ${unused}`],
  },
  {
    name: 'no webhook',
    given: { strategy: 'Webhook' },
    found: [
      `${config}: Required value: required when strategy is set to Webhook`,
      `${at}.conversionReviewVersions: Required value`,
    ],
  },
  {
    name: 'neither URL nor Service',
    given: client({}),
    found: [`${config}: Required value: exactly one of url or service is required`],
  },
  {
    name: 'a wrong Service',
    given: client({ service: { name: '', namespace: '', port: 0, path: '//' } }),
    found: [
      `${config}.service.name: Required value`,
      `${config}.service.namespace: Required value`,
      `${config}.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive`,
      `${config}.service.path: Invalid value: "//": segment[0] may not be empty`,
    ],
  },
  {
    name: 'a wrong URL',
    given: client({ url: 'https://' }),
    found: [`${config}.url: Invalid value: "": host must be specified; desired format: https://host[/path]`],
  },
  {
    name: 'versions of reviews',
    given: webhook({ conversionReviewVersions: ['v2', 'v2'] }),
    found: [
      `${at}.conversionReviewVersions[1]: Invalid value: "v2": duplicate version`,
      `${at}.conversionReviewVersions: Invalid value: ["v2","v2"]: must include at least one of v1, v1beta1`,
    ],
  },
  { name: 'one known version', given: webhook({ conversionReviewVersions: ['v2', 'v1beta1'] }), found: [] },
];
for (const { name, given, found } of cases) t.test(name, async (t) => t.strictSame(causes(given), found));

t.test('a bundle is read when the definition is established, unless the old one was unreadable, too', async (t) => {
  const url = 'https://a.example.com';
  const unreadable = client({ url, caBundle: base64('hello') });
  const field = `${config}.caBundle: Invalid value: "${base64('hello')}"`;
  t.strictSame(causes(unreadable), []);
  t.strictSame(causes(unreadable, webhook(), true), [
    `${field}: unable to load root certificates: unable to parse bytes as PEM block`,
  ]);
  t.strictSame(causes(unreadable, unreadable, true), []);
  const broken = base64('-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n');
  t.match(causes(client({ url, caBundle: broken }), webhook(), true), [
    /unable to load root certificates: failed to parse certificate: x509: malformed certificate$/,
  ]);
});

t.test('an old definition without a known version of reviews keeps it', async (t) => {
  const old = webhook({ conversionReviewVersions: ['v7'] });
  t.strictSame(causes(old, old, true), []);
});
