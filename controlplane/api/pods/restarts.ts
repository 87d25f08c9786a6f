// Whether a container starts again after its end: by its own rules, then by its own policy, then by the pod's. Source: KEP-5307
// (container restart rules), KEP-5532 (restart of all containers).
import type { Container, PodSpec } from './types';

/** `restart-all`: all containers of the pod are removed, and the pod starts from its init containers. */
export type AfterEnd = 'restart' | 'restart-all' | 'stay';

type Restarts = Pick<Container, 'restartPolicy' | 'restartPolicyRules'>;

/** What follows the end of a container of a pod with this restart policy. */
export function afterEnd(container: Restarts, podPolicy: string | undefined, exitCode: number): AfterEnd {
  const { restartPolicy, restartPolicyRules = [] } = container;
  // The API accepts rules only together with a policy of the container.
  const rule = restartPolicy === undefined ? undefined : restartPolicyRules.find(matches(exitCode));
  if (rule?.action === 'RestartAllContainers') return 'restart-all';
  if (rule?.action === 'Restart') return 'restart';
  const policy = restartPolicy ?? podPolicy ?? 'Always';
  const again = policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0);
  return again ? 'restart' : 'stay';
}

type Rule = NonNullable<Container['restartPolicyRules']>[number];

const matches =
  (exitCode: number) =>
  ({ exitCodes }: Rule): boolean => {
    if (!exitCodes) return false;
    const isListed = (exitCodes.values ?? []).includes(exitCode);
    return exitCodes.operator === 'In' ? isListed : exitCodes.operator === 'NotIn' && !isListed;
  };

/** True when the end of one of the containers may restart all of them. */
export const mayRestartAll = ({
  initContainers = [],
  containers,
}: Pick<PodSpec, 'initContainers' | 'containers'>): boolean =>
  [...initContainers, ...containers].some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'),
  );
