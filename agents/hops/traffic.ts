// `k8ts traffic`: answers each line of standard input with what this node carries. It keeps its sums from one question to the next, so the
// kubelet keeps it while somebody looks. Reading costs time and memory, and neither is the kubelet's.
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { systemClock } from '../../controlplane/base/clock';
import { BadRequest, describeError } from '../../controlplane/base/errors';
import type { NodeTrafficStatus } from '../../controlplane/base/traffic';
import { parseText } from '../../controlplane/process/options';
import { defineCommand } from '../../controlplane/process/process';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { ownNetns } from '../../dataplane/netns/system-netns';
import { TrafficCollector } from '../../dataplane/traffic/collector';
import { cpuTimeMs } from '../../dataplane/traffic/cpu-time';
import type { TrafficPod } from '../../dataplane/traffic/pods';
import { readRequests } from './requests';

export const command = defineCommand({
  name: 'traffic',
  summary: 'report connections, counters of pods and stopped packets of this node (the kubelet runs it)',
  options: {
    ingress: {
      flag: 'ingress',
      placeholder: 'HOST:PORT',
      default: '127.0.0.1:10259',
      help: 'where the Ingress proxy of this node says what it has forwarded (its --healthz-port)',
      parse: parseText,
    },
  },
  tool: true,
  notes: `  Reads lines of JSON from standard input: {"nodeName", "pods": [{"key", "pid", "addresses"}]}, and answers each with one line:
  what the node carries, or {"error"}. Ends at the end of input. While it runs, the kernel counts packets of new connections
  (net.netfilter.nf_conntrack_acct), and a table of nftables (inet k8ts-watch) counts by their senders the first packets
  of connections, before and behind the rules of the node, and answers that say that nothing listens. See the traffic of a whole cluster by: kubectl get nodetraffics

example:
  echo '{"nodeName": "here", "pods": []}' | k8ts traffic
`,
  async run({ options, signal }) {
    const collector = new TrafficCollector({
      id: randomUUID(),
      netns: ownNetns(),
      exec: new SystemExec(),
      clock: systemClock,
      cpuMs: cpuTimeMs,
      requests: () => readRequests(options.ingress),
      startedMs: 0,
    });
    try {
      await answerLines(process.stdin, signal, (pods) => collector.read(pods), write);
    } finally {
      await collector.close();
    }
  },
});

const write = (line: string): Promise<void> =>
  new Promise((resolve, reject) => process.stdout.write(line, (error) => (error ? reject(error) : resolve())));

/** One line for each line, in their order. Ends with the input or the signal. */
export async function answerLines(
  input: NodeJS.ReadableStream,
  signal: AbortSignal,
  read: (pods: readonly TrafficPod[]) => Promise<NodeTrafficStatus>,
  send: (line: string) => Promise<void>,
): Promise<void> {
  const lines = createInterface({ input });
  const stop = () => lines.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const line of lines) {
      if (signal.aborted) return;
      const answer = await (async () => read(podsOf(line)))().catch((error: unknown) => ({
        error: describeError(error),
      }));
      await send(`${JSON.stringify(answer)}\n`);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    lines.close();
  }
}

/** @throws BadRequest */
export function podsOf(line: string): readonly TrafficPod[] {
  let question: unknown;
  try {
    question = JSON.parse(line);
  } catch (cause) {
    throw new BadRequest(`a line is no JSON: ${describeError(cause)}`, { cause });
  }
  const { pods } = (question ?? {}) as { readonly pods?: unknown };
  if (!Array.isArray(pods) || !pods.every(isPod)) {
    throw new BadRequest('expected pods, each with key, pid and addresses; see k8ts traffic --help');
  }
  return pods;
}

function isPod(pod: unknown): pod is TrafficPod {
  const { key, pid, addresses } = (pod ?? {}) as Partial<TrafficPod>;
  return typeof key === 'string' && Number.isInteger(pid) && Array.isArray(addresses);
}
