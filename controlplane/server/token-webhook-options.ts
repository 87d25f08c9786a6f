// Options of `k8ts server` about the program that knows further bearer tokens, with upstream's names.
import type { TokenWebhookConfig } from '../apiserver/authn/token-webhook';
import { type OptionTable, type Parsed, parseDuration, parseOneOf, parseText } from '../process/options';
import { openWebhookConnection } from './webhook-connection';

export const tokenWebhookOptions = {
  authenticationTokenWebhookConfigFile: {
    flag: 'authentication-token-webhook-config-file',
    placeholder: 'FILE',
    default: '',
    help: 'kubeconfig of a program that gets a TokenReview for each bearer token that the server does not know',
    parse: parseText,
  },
  authenticationTokenWebhookVersion: {
    flag: 'authentication-token-webhook-version',
    placeholder: 'VERSION',
    default: 'v1beta1',
    help: 'version of the TokenReview that it gets',
    parse: parseOneOf('v1', 'v1beta1'),
  },
  authenticationTokenWebhookCacheTtl: {
    flag: 'authentication-token-webhook-cache-ttl',
    placeholder: 'DURATION',
    default: '2m',
    help: 'how long its answers count',
    parse: parseDuration,
  },
} satisfies OptionTable;

/** Undefined without the file. @throws BadRequest; the caller closes the transport */
export async function readTokenWebhook(
  options: Parsed<typeof tokenWebhookOptions>,
): Promise<TokenWebhookConfig | undefined> {
  const { authenticationTokenWebhookConfigFile: file } = options;
  if (file === '') return undefined;
  return {
    ...(await openWebhookConnection(file)),
    version: options.authenticationTokenWebhookVersion,
    ttlMs: options.authenticationTokenWebhookCacheTtl,
  };
}
