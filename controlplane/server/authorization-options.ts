// Options of `k8ts server` about authorization, with upstream's names: modes and one webhook, or a file for several.
import { readFile } from 'node:fs/promises';
import type { AuthorizationOptions, AuthorizerOptions } from '../apiserver/access';
import { compileCondition } from '../apiserver/authz/conditions';
import {
  type AuthorizerSettings,
  type AuthorizerType,
  authorizerTypes,
  defaultAuthorizedTtl,
  defaultUnauthorizedTtl,
  readAuthorizationConfig,
  type WebhookSettings,
} from '../apiserver/authz/config';
import type { WebhookConfig } from '../apiserver/authz/webhook';
import type { Clock } from '../base/clock';
import { goDurationMs } from '../base/duration';
import { BadRequest } from '../base/errors';
import type { Logger } from '../base/logger';
import { type OptionTable, type Parsed, parseDuration, parseList, parseOneOf, parseText } from '../process/options';
import { followFile } from './follow-file';
import { openWebhookConnection } from './webhook-connection';

const defaultModes: readonly AuthorizerType[] = ['Node', 'RBAC'];

function parseModes(text: string): readonly AuthorizerType[] {
  const modes = parseList(text);
  const unknown = modes.find((mode) => !(authorizerTypes as readonly string[]).includes(mode));
  if (unknown !== undefined)
    throw new BadRequest(`expected one or more of ${authorizerTypes.join(', ')}, comma-joined`);
  if (new Set(modes).size < modes.length) throw new BadRequest('a mode stands twice');
  return modes as readonly AuthorizerType[];
}

export const authorizationOptions = {
  authorizationConfig: {
    flag: 'authorization-config',
    placeholder: 'FILE',
    default: '',
    help: 'AuthorizationConfiguration of apiserver.config.k8s.io: authorizers in order, with any number of webhooks; excludes the other --authorization-*',
    parse: parseText,
  },
  authorizationMode: {
    flag: 'authorization-mode',
    placeholder: 'LIST',
    default: '',
    help: `who decides what a user may do, in this order: ${authorizerTypes.join(', ')}; absent: ${defaultModes.join(',')}`,
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

type Options = Parsed<typeof authorizationOptions>;

/** Of the webhook of the options; in a file every webhook has its own. */
const timeoutMs = 30_000;

/** @throws BadRequest; the caller closes the authorizers */
export async function readAuthorization(options: Options): Promise<AuthorizationOptions> {
  const { authorizationConfig, authorizationMode: modes, authorizationWebhookConfigFile: file } = options;
  if (authorizationConfig !== '') {
    if (modes.length > 0 || file !== '') {
      throw new BadRequest('--authorization-config and the other --authorization-* exclude each other');
    }
    return authorizersOf(await readFile(authorizationConfig, 'utf8'), authorizationConfig);
  }
  if (modes.includes('Webhook') !== (file !== '')) {
    throw new BadRequest('--authorization-mode Webhook and --authorization-webhook-config-file are needed together');
  }
  const opened: AuthorizerOptions[] = [];
  for (const type of modes.length > 0 ? modes : defaultModes) {
    opened.push(type === 'Webhook' ? { type, webhook: await webhookOf(options) } : { type });
  }
  return opened;
}

/** Ends the connections of its webhooks. */
export function closeAuthorization(authorizers: AuthorizationOptions): void {
  for (const one of authorizers) if (one.type === 'Webhook') one.webhook.transport.close();
}

/**
 * Uses the file of --authorization-config whenever it changes, until the signal is aborted. Never rejects. What `use` gets is
 * closed here.
 */
export async function followAuthorization(
  { authorizationConfig: file }: Options,
  use: (changed: AuthorizationOptions) => void,
  deps: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal,
): Promise<void> {
  if (file === '') return;
  let present: AuthorizationOptions = [];
  const apply = async (source: string) => {
    const before = present;
    present = await authorizersOf(source, file);
    use(present);
    // Requests that wait for an answer of the authorizers from before get it.
    deps.clock.after(timeoutMs, () => closeAuthorization(before));
  };
  let source = '';
  try {
    // The file may have changed since the start read it.
    source = await readFile(file, 'utf8');
    await apply(source);
  } catch (error) {
    deps.log.error('the authorization configuration cannot be read', { file, error });
  }
  await followFile({ file, source, what: 'authorization configuration', apply }, deps, signal);
  closeAuthorization(present);
}

/** What the text of --authorization-config says. @throws BadRequest */
async function authorizersOf(source: string, file: string): Promise<AuthorizationOptions> {
  const { authorizers = [] } = readAuthorizationConfig(source, file);
  const opened: AuthorizerOptions[] = [];
  try {
    for (const one of authorizers) opened.push(await authorizerOf(one));
    return opened;
  } catch (error) {
    closeAuthorization(opened);
    throw error;
  }
}

async function authorizerOf({ type, name = '', webhook = {} }: AuthorizerSettings): Promise<AuthorizerOptions> {
  return type === 'Webhook' ? { type, webhook: await configuredWebhook(name, webhook) } : { type: type! };
}

/** Of validated settings. @throws BadRequest when its kubeconfig cannot be read */
async function configuredWebhook(name: string, settings: WebhookSettings): Promise<WebhookConfig> {
  const { cacheAuthorizedRequests = true, cacheUnauthorizedRequests = true, matchConditions = [] } = settings;
  const { authorizedTTL = defaultAuthorizedTtl, unauthorizedTTL = defaultUnauthorizedTtl } = settings;
  return {
    name,
    ...(await openWebhookConnection(settings.connectionInfo?.kubeConfigFile ?? '')),
    version: settings.subjectAccessReviewVersion === 'v1' ? 'v1' : 'v1beta1',
    authorizedTtlMs: cacheAuthorizedRequests ? goDurationMs(authorizedTTL)! : 0,
    unauthorizedTtlMs: cacheUnauthorizedRequests ? goDurationMs(unauthorizedTTL)! : 0,
    timeoutMs: goDurationMs(settings.timeout ?? '')!,
    failurePolicy: settings.failurePolicy === 'Deny' ? 'Deny' : 'NoOpinion',
    conditions: matchConditions.map(({ expression = '' }) => compileCondition(expression)),
  };
}

async function webhookOf(options: Options): Promise<WebhookConfig> {
  return {
    name: 'default',
    ...(await openWebhookConnection(options.authorizationWebhookConfigFile)),
    version: options.authorizationWebhookVersion,
    authorizedTtlMs: options.authorizationWebhookCacheAuthorizedTtl,
    unauthorizedTtlMs: options.authorizationWebhookCacheUnauthorizedTtl,
    timeoutMs,
    failurePolicy: 'NoOpinion',
    conditions: [],
  };
}
