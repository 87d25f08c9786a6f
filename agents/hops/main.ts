// `k8ts hops`: what this node does with a packet, hop by hop, as values. The kubelet starts it for each request at its port: rules can be
// long, and a process of its own keeps their text out of the kubelet's memory and off its event loop.
import { AppError, BadRequest } from '../../controlplane/base/errors';
import type { HopAnswer, HopQuestion, HopWhatIf } from '../../controlplane/base/hops';
import { defineCommand } from '../../controlplane/process/process';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { answerHops } from '../../dataplane/hops/answer';
import type { LocalPod } from '../../dataplane/hops/pod-view';
import { type NodeView, viewNode } from '../../dataplane/hops/view';
import { readInput } from './input';
import { hopsOptions } from './options';
import { wouldBe } from './what-if';

export const command = defineCommand({
  name: 'hops',
  summary: 'say what this node does with a packet, hop by hop (the kubelet runs it)',
  options: hopsOptions,
  tool: true,
  notes: `  Reads {"nodeName", "pods": [{"key", "pid", "addresses"}], "questions": [{"packet", "from"}]} from standard input, as JSON, and prints
  {"answers"}. With {"whatIf": {"services": [{"service", "slices"}], "policies", "pods", "namespaces", "gone"}} it takes the rules that
  kube-proxy would write if these objects were so, in place of those that it has written. Ask a whole cluster by: k8ts path

example:
  echo '{"nodeName": "here", "pods": [], "questions": [{"from": {"kind": "node"},
    "packet": {"protocol": "tcp", "source": "", "destination": "10.96.0.1", "destinationPort": 443}}]}' | k8ts hops
`,
  async run({ options }) {
    process.stdout.write(`${JSON.stringify(await answerAll(await readInput<HopsInput>(), options.kubeProxy))}\n`);
  },
});

export interface HopsInput {
  readonly nodeName: string;
  readonly pods: readonly LocalPod[];
  readonly questions: readonly HopQuestion[];
  readonly whatIf?: HopWhatIf;
}
/** The answer of each question, or why there is none. */
export interface HopsOutput {
  readonly answers: readonly (HopAnswer | { readonly error: string })[];
}

async function answerAll({ questions, whatIf, ...node }: HopsInput, kubeProxy: string): Promise<HopsOutput> {
  if (!Array.isArray(questions)) throw new BadRequest('expected questions; see k8ts hops --help');
  const view = await viewAs(await viewNode({ ...node, exec: new SystemExec() }), whatIf, kubeProxy);
  if ('error' in view) return { answers: questions.map(() => view) };
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

/** With the rules as they would be, if that is asked; why not, where kube-proxy does not say what it has. */
async function viewAs(
  view: NodeView,
  whatIf: HopWhatIf | undefined,
  kubeProxy: string,
): Promise<NodeView | { readonly error: string }> {
  if (whatIf === undefined) return view;
  try {
    return { ...view, listings: await wouldBe(view.listings, whatIf, { exec: view.exec, kubeProxy }) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { error: `what kube-proxy would write is not known: ${error.message}` };
  }
}
