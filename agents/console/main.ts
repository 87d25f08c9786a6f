// `k8ts console`: a link that logs the user of a kubeconfig in to the console, whatever credentials the file has.
import { homedir } from 'node:os';
import { join } from 'node:path';
import { consoleLogins, consolePath, loginFragment } from '../../controlplane/api/console';
import type { KubeObject } from '../../controlplane/api/types';
import { AppError, isNotFound, Unavailable } from '../../controlplane/base/errors';
import type { Transport } from '../../controlplane/client/client';
import { HttpsTransport } from '../../controlplane/client/https-transport';
import { loadKubeconfig } from '../../controlplane/client/kubeconfig';
import { createClient } from '../../controlplane/client/rest-client';
import { type OptionTable, type Parsed, parseText } from '../../controlplane/process/options';
import { defineCommand } from '../../controlplane/process/process';
import { startProgram } from '../../dataplane/exec/system-exec';
import { commandOptions } from './options';

export const consoleOptions = {
  kubeconfig: {
    flag: 'kubeconfig',
    env: 'KUBECONFIG',
    placeholder: 'FILE',
    default: '',
    help: 'how to reach the API, and as whom; absent: ~/.kube/config',
    parse: parseText,
  },
  context: {
    flag: 'context',
    placeholder: 'NAME',
    default: '',
    help: "context of that file; absent: the file's current one",
    parse: parseText,
  },
  ...commandOptions,
} satisfies OptionTable;

export const command = defineCommand({
  name: 'console',
  summary: 'a link that logs you in to the console, a page for browsers; it can be used for one minute',
  options: consoleOptions,
  tool: true,
  async run({ options, signal }) {
    const link = await loginLink(options, signal);
    process.stdout.write(`${link}\n`);
    if (options.open) await openInBrowser(link);
  },
});

type Options = Pick<Parsed<typeof consoleOptions>, 'kubeconfig' | 'context' | 'as'>;

/** @throws BadRequest for a wrong kubeconfig, NotFound when the server has no console, and errors of the API */
export async function loginLink({ kubeconfig, context, as }: Options, signal: AbortSignal): Promise<string> {
  const file = kubeconfig === '' ? join(homedir(), '.kube/config') : kubeconfig;
  const connection = await loadKubeconfig(file, context === '' ? undefined : context);
  const transport = new HttpsTransport(connection);
  try {
    const client = createClient(as === '' ? transport : impersonating(transport, as), { userAgent: 'k8ts-console' });
    const login: KubeObject & { readonly status?: { readonly code?: string } } = await client.create(
      consoleLogins,
      { apiVersion: consoleLogins.apiVersion, kind: consoleLogins.kind },
      { signal },
    );
    const code = login.status?.code;
    if (!code) throw new AppError('Internal', 'the server has answered without a code');
    return `${connection.server.replace(/\/$/, '')}${consolePath}/#${loginFragment}${encodeURIComponent(code)}`;
  } catch (cause) {
    if (!isNotFound(cause)) throw cause;
    const why = 'it is no k8ts, an older one, or runs with --console=false';
    throw new AppError('NotFound', `the server ${connection.server} has no console: ${why}`, { cause });
  } finally {
    transport.close();
  }
}

const impersonating = (transport: Transport, user: string): Transport => ({
  send: (request) => transport.send({ ...request, headers: { ...request.headers, 'impersonate-user': user } }),
  close: () => transport.close(),
});

/** @throws Unavailable when no browser could be started */
async function openInBrowser(link: string): Promise<void> {
  const why = 'no browser was opened: is xdg-open installed? Open the link above by hand';
  const opener = await startProgram(['xdg-open', link]).catch((cause: unknown) => {
    throw new Unavailable(why, { cause });
  });
  if ((await opener.exited) !== 0) throw new Unavailable(why);
}
