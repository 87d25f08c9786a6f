// Whether a process inside a node answers: asked on the node's loopback, from inside its network namespace, like a local user.
import { request } from 'node:http';
import { describeError } from '../../controlplane/base/errors';
import { etcdPorts } from '../../controlplane/process/etcd-runtime';
import { connectInNetns } from '../../dataplane/netns/connect';
import { namedNetns } from '../../dataplane/netns/system-netns';
import type { NodePlan } from './plan';

export const probeTimeoutMs = 3_000;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Undefined for a healthy agent, else the fault. @throws when it does not answer */
export async function agentProblem(node: NodePlan, port: number): Promise<string | undefined> {
  const { status, text } = await get(node, port, '/readyz');
  return status === 200 ? undefined : `${status} ${text.trim().split('\n')[0]}`;
}

/** Undefined if the member answers and is part of a majority, else the fault; never rejects. */
export async function etcdProblem(node: NodePlan): Promise<string | undefined> {
  try {
    const { status, text } = await get(node, etcdPorts.health, '/health');
    if (status === 200) return undefined;
    const { reason = '' } = JSON.parse(text) as { reason?: string };
    return reason === '' ? 'has no majority of members, or has raised an alarm' : reason;
  } catch (err) {
    return `does not answer: ${describeError(err)}`;
  }
}

async function get(node: NodePlan, port: number, path: string): Promise<Answer> {
  const signal = AbortSignal.timeout(probeTimeoutMs);
  const socket = await connectInNetns(namedNetns(node.netns), { host: '127.0.0.1', port, signal });
  return new Promise((resolve, reject) => {
    socket.setTimeout(probeTimeoutMs, () => socket.destroy(new Error(`no answer within ${probeTimeoutMs} ms`)));
    const call = request({ path, createConnection: () => socket }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () => {
        socket.destroy();
        resolve({ status: response.statusCode ?? 0, text });
      });
    });
    call.once('error', reject);
    call.end();
  });
}
