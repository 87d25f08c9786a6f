// `k8ts hops`: what this node does with a packet, hop by hop, as values. The kubelet starts it for each request at its port: rules can be
// long, and a process of its own keeps their text out of the kubelet's memory and off its event loop.
import { AppError, BadRequest } from '../../controlplane/base/errors';
import type { HopAnswer, HopQuestion } from '../../controlplane/base/hops';
import { defineCommand } from '../../controlplane/process/process';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { answerHops } from '../../dataplane/hops/answer';
import type { LocalPod } from '../../dataplane/hops/pod-view';
import { viewNode } from '../../dataplane/hops/view';
import { readInput } from './input';

export const command = defineCommand({
  name: 'hops',
  summary: 'say what this node does with a packet, hop by hop (the kubelet runs it)',
  options: {},
  tool: true,
  notes: `  Reads {"nodeName", "pods": [{"key", "pid", "addresses"}], "questions": [{"packet", "from"}]} from standard input, as JSON, and prints
  {"answers"}. Ask a whole cluster by: k8ts path

example:
  echo '{"nodeName": "here", "pods": [], "questions": [{"from": {"kind": "node"},
    "packet": {"protocol": "tcp", "source": "", "destination": "10.96.0.1", "destinationPort": 443}}]}' | k8ts hops
`,
  async run() {
    process.stdout.write(`${JSON.stringify(await answerAll(await readInput<HopsInput>()))}\n`);
  },
});

export interface HopsInput {
  readonly nodeName: string;
  readonly pods: readonly LocalPod[];
  readonly questions: readonly HopQuestion[];
}
/** The answer of each question, or why there is none. */
export interface HopsOutput {
  readonly answers: readonly (HopAnswer | { readonly error: string })[];
}

async function answerAll({ questions, ...node }: HopsInput): Promise<HopsOutput> {
  if (!Array.isArray(questions)) throw new BadRequest('expected questions; see k8ts hops --help');
  const view = await viewNode({ ...node, exec: new SystemExec() });
  const answers: (HopAnswer | { error: string })[] = [];
  for (const question of questions) {
    answers.push(
      await answerHops(
        { ...question, packet: { ...question.packet, source: question.packet?.source ?? '' } },
        view,
      ).catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        return { error: error.message };
      }),
    );
  }
  return { answers };
}
