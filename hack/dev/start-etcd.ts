// Starts the members of etcd; those that have lost their data join again after the others have started.
import { waitUntil } from './cluster';
import { etcdNodes } from './etcd';
import { etcdProblem } from './health';
import { announceAgain, markStarted, type ReplacedMembers, voteProblem } from './lost-members';
import type { ClusterPlan, NodePlan } from './plan';
import { controlProcess } from './processes';
import type { ProcessSpec } from './supervisor/spec';
import { applyProcesses, stopProcesses } from './supervisor-control';

const startTimeoutMs = 30_000;

/**
 * Resolves when each member is part of a majority. All start before the servers: each waits for a majority of the others.
 * @param whyWaiting the state of a process that does not answer. @throws Unavailable
 */
export async function startEtcd(
  plan: ClusterPlan,
  specs: readonly ProcessSpec[],
  { lost, rejoined }: ReplacedMembers,
  whyWaiting: (process: string) => Promise<string>,
): Promise<void> {
  const processOf = (node: NodePlan) => controlProcess(plan, node, 'etcd');
  const start = async (nodes: readonly NodePlan[]) => {
    const names = nodes.map(processOf);
    await applyProcesses(
      plan.runDir,
      specs.filter(({ name }) => names.includes(name)),
    );
    for (const node of nodes) {
      await waitUntil(`etcd of ${node.name} is healthy`, startTimeoutMs, async () => {
        // A member without a vote answers no server.
        const problem =
          (rejoined.has(node.name) ? await voteProblem(plan, node) : undefined) ?? (await etcdProblem(node));
        return problem && `${problem}; ${await whyWaiting(processOf(node))}`;
      });
    }
  };
  if (lost.length > 0) {
    await stopProcesses(plan.runDir, lost.map(processOf));
    await start(etcdNodes(plan).filter((node) => !lost.includes(node)));
    for (const node of lost) await announceAgain(plan, node);
  }
  await start(etcdNodes(plan));
  markStarted(plan);
}
