// hack/rules: `k8ts rules` in the network namespace of a node.
import { runAttached } from './attached';
import { findPrograms, openCluster } from './cluster';
import { Refused } from './preflight';

export interface RulesContext {
  readonly name: string;
  /** The node, then what `k8ts rules` takes. */
  readonly words: readonly string[];
  readonly from: string;
  readonly json: boolean;
  readonly proxyMetrics: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Resolves with the exit status. @throws Refused */
export async function rules({ name, words, from, json, proxyMetrics, env }: RulesContext): Promise<number> {
  const { plan } = openCluster(name);
  const [nodeName = '', ...rest] = words;
  const node = plan.nodes.find((one) => one.name === nodeName);
  if (!node) {
    throw new Refused(
      `cluster ${plan.name} has no node ${JSON.stringify(nodeName)}.`,
      `Name one first: ${plan.nodes.map((one) => one.name).join(', ')}`,
    );
  }
  const { node: program, bundle } = findPrograms(env['PATH'] ?? '');
  const options = [
    ...(from === '' ? [] : [`--from=${from}`]),
    ...(json ? ['--json'] : []),
    ...(rest[0] === 'diff' ? [`--proxy-metrics=${proxyMetrics}`] : []),
  ];
  const argv = ['nsenter', `--net=/run/netns/${node.netns}`, '--', program, bundle, 'rules', ...rest, ...options];
  return runAttached(argv);
}
