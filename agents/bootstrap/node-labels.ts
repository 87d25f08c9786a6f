// The option --node-labels, as the kubelet takes it and `k8ts init` and `k8ts join` pass it on.
import { forbiddenNodeLabels } from '../../controlplane/api';
import { BadRequest } from '../../controlplane/base/errors';
import { parseList } from './options';

/** `a=b,c=d`. @throws BadRequest, also for labels that the API server would not let a kubelet set */
export function parseNodeLabels(text: string): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (const pair of parseList(text)) {
    const match = /^([^=]+)=(.*)$/.exec(pair);
    if (!match) throw new BadRequest(`expected name=value, got ${JSON.stringify(pair)}`);
    labels[match[1]!] = match[2]!;
  }
  const [forbidden] = forbiddenNodeLabels(Object.keys(labels));
  if (forbidden === undefined) return labels;
  throw new BadRequest(
    `a node may not give itself the label ${forbidden}: use kubectl label node, as an administrator`,
  );
}
