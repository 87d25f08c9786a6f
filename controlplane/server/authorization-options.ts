// Options of `k8ts server` about authorization, with upstream's names.
import { type AuthorizationMode, type AuthorizationOptions, authorizationModes } from '../apiserver/access';
import { BadRequest } from '../base/errors';
import { HttpsTransport } from '../client/https-transport';
import { loadKubeconfig } from '../client/kubeconfig';
import { type OptionTable, type Parsed, parseDuration, parseList, parseOneOf, parseText } from '../process/options';

function parseModes(text: string): readonly AuthorizationMode[] {
  const modes = parseList(text);
  const unknown = modes.find((mode) => !(authorizationModes as readonly string[]).includes(mode));
  if (unknown !== undefined || modes.length === 0) {
    throw new BadRequest(`expected one or more of ${authorizationModes.join(', ')}, comma-joined`);
  }
  if (new Set(modes).size < modes.length) throw new BadRequest('a mode stands twice');
  return modes as readonly AuthorizationMode[];
}

export const authorizationOptions = {
  authorizationMode: {
    flag: 'authorization-mode',
    placeholder: 'LIST',
    default: 'Node,RBAC',
    help: `who decides what a user may do, in this order: ${authorizationModes.join(', ')}`,
    parse: parseModes,
  },
  authorizationWebhookConfigFile: {
    flag: 'authorization-webhook-config-file',
    placeholder: 'FILE',
    default: '',
    help: 'kubeconfig of the program that mode Webhook asks',
    parse: parseText,
  },
  authorizationWebhookVersion: {
    flag: 'authorization-webhook-version',
    placeholder: 'VERSION',
    default: 'v1beta1',
    help: 'version of the SubjectAccessReview that it gets',
    parse: parseOneOf('v1', 'v1beta1'),
  },
  authorizationWebhookCacheAuthorizedTtl: {
    flag: 'authorization-webhook-cache-authorized-ttl',
    placeholder: 'DURATION',
    default: '5m',
    help: 'how long its permissions count',
    parse: parseDuration,
  },
  authorizationWebhookCacheUnauthorizedTtl: {
    flag: 'authorization-webhook-cache-unauthorized-ttl',
    placeholder: 'DURATION',
    default: '30s',
    help: 'how long its refusals count',
    parse: parseDuration,
  },
} satisfies OptionTable;

/** @throws BadRequest; the caller closes the transport of the webhook */
export async function readAuthorization(options: Parsed<typeof authorizationOptions>): Promise<AuthorizationOptions> {
  const { authorizationMode: modes, authorizationWebhookConfigFile: file } = options;
  if (modes.includes('Webhook') !== (file !== '')) {
    throw new BadRequest('--authorization-mode Webhook and --authorization-webhook-config-file are needed together');
  }
  if (file === '') return { modes };
  const connection = await loadKubeconfig(file);
  const hasPath = new URL(connection.server).pathname !== '/';
  return {
    modes,
    webhook: {
      transport: new HttpsTransport(connection),
      path: hasPath ? '' : '/',
      version: options.authorizationWebhookVersion,
      authorizedTtlMs: options.authorizationWebhookCacheAuthorizedTtl,
      unauthorizedTtlMs: options.authorizationWebhookCacheUnauthorizedTtl,
    },
  };
}
