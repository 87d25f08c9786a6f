// hack/console: `k8ts console` as the administrator of a cluster, whatever the current context of the caller's kubeconfig is.
import { runAttached } from './attached';
import { findPrograms, openCluster } from './cluster';

export interface ConsoleContext {
  readonly name: string;
  readonly as: string;
  readonly open: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Resolves with the exit status. @throws Refused */
export async function console({ name, as, open, env }: ConsoleContext): Promise<number> {
  const { plan } = openCluster(name);
  const { node, bundle } = findPrograms(env['PATH'] ?? '');
  const options = [...(as === '' ? [] : [`--as=${as}`]), ...(open ? ['--open'] : [])];
  return runAttached([node, bundle, 'console', `--kubeconfig=${plan.adminConf}`, ...options]);
}
