// Lifecycle hooks: postStart and preStop as a command, an HTTP request or a sleep.
import type { Pod } from '../../../controlplane/api';
import { AppError } from '../../../controlplane/base/errors';
import { httpProbe } from '../probes/http';
import { collectOutput } from '../runtime/exec-output';
import type { Container } from '../spec/container';
import { resolvePort } from '../spec/named-port';
import type { PodDeps } from './deps';

export type Handler = NonNullable<NonNullable<Container['lifecycle']>['preStop']>;

export interface HookTarget {
  readonly pod: Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string | undefined;
}

/** @throws AppError when the command fails or the request is refused */
export async function runHook(deps: PodDeps, handler: Handler, target: HookTarget, signal: AbortSignal): Promise<void> {
  if (handler.exec) {
    const output = collectOutput();
    const argv = handler.exec.command ?? [];
    const { stream } = output;
    const code = await deps.runtime.exec(target.containerId, { argv, stdout: stream, stderr: stream, signal });
    if (code !== 0) {
      throw new AppError(
        'CommandFailed',
        `command '${argv.join(' ')}' exited with ${code}: ${JSON.stringify(output.text())}`,
      );
    }
  } else if (handler.httpGet) {
    const { host, path = '/', port, scheme = 'HTTP', httpHeaders = [] } = handler.httpGet;
    const result = await httpProbe({
      host: host || target.podIp || deps.node.nodeIps[0]!,
      port: resolvePort(port, target.container),
      path,
      scheme,
      headers: httpHeaders,
      timeoutMs: hookTimeoutMs,
      signal,
    });
    if (!result.success) throw new AppError('CommandFailed', result.output);
  } else if (handler.sleep) {
    await deps.clock.sleep(handler.sleep.seconds * 1000, signal);
  }
}

/** The API has no time-out for HTTP hooks. */
const hookTimeoutMs = 30_000;
