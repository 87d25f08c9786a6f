// hack/path: `k8ts path` as the administrator of a cluster.
import { resolve } from 'node:path';
import type { Parsed } from '../../controlplane/process/options';
import { runAttached } from './attached';
import { findPrograms, openCluster } from './cluster';

import type { pathOptions } from './options';

export interface PathContext {
  readonly options: Parsed<typeof pathOptions>;
  /** FROM and TO. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Resolves with the exit status. @throws Refused */
export async function path({ options, words, env }: PathContext): Promise<number> {
  const { name, namespace, output, color, probe, schema, connectTo, clusterDomain, whatIf, filename, without } =
    options;
  const fileOf = (file: string) => (file === '-' ? file : resolve(env['K8TS_CALLED_FROM'] ?? '', file));
  const { plan } = openCluster(name);
  const { node: program, bundle } = findPrograms(env['PATH'] ?? '');
  const flags = [
    `--kubeconfig=${plan.adminConf}`,
    `--namespace=${namespace}`,
    `--output=${output}`,
    `--color=${env['NO_COLOR'] === undefined ? color : 'never'}`,
    `--probe=${probe}`,
    `--connect-to=${connectTo}`,
    `--schema=${schema}`,
    `--cluster-domain=${clusterDomain}`,
    `--what-if=${whatIf}`,
    ...filename.map((file) => `--filename=${fileOf(file)}`),
    ...without.map((object) => `--without=${object}`),
  ];
  return runAttached([program, bundle, 'path', ...words, ...flags]);
}
