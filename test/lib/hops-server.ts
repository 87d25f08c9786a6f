// A process in the network namespace of a node that answers questions about hops, as `k8ts hops` does, but many: one for each connection
// to a Unix socket. /proc/sys/net and /proc/self/net show the namespace of the process that reads them, so it must be inside.
import { createServer } from 'node:net';
import { describeError } from '../../controlplane/base/errors';
import type { HopQuestion } from '../../controlplane/base/hops';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { answerHops } from '../../dataplane/hops/answer';
import type { LocalPod } from '../../dataplane/hops/pod-view';
import { viewNode } from '../../dataplane/hops/view';

export interface Asked {
  readonly pods: readonly LocalPod[];
  readonly question: HopQuestion;
}

async function answer({ pods, question }: Asked): Promise<unknown> {
  try {
    const view = await viewNode({ nodeName: 'worker', pods, exec: new SystemExec() });
    return { answer: await answerHops(question, view) };
  } catch (error) {
    return { error: describeError(error) };
  }
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('end', async () => void socket.end(JSON.stringify(await answer(JSON.parse(text)))));
});
server.listen(process.argv[2], () => process.stdout.write('ready\n'));
