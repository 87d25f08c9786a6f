// Asks kube-proxy of this node what it compiles rules from.
import { get, type IncomingMessage } from 'node:http';
import { describeError, Unavailable } from '../../controlplane/base/errors';
import { InputReader, type RuleInputs } from '../../dataplane/what-if/inputs';

const timeoutMs = 15_000;
/** 50,000 Services fit in; a program that answers without an end does not. */
const maxLength = 512 * 1024 * 1024;

/** @param address HOST:PORT. @param withPeers with all pods and namespaces. @throws Unavailable */
export async function readInputs(address: string, withPeers: boolean): Promise<RuleInputs> {
  const reader = new InputReader();
  const url = `http://${address}/rules/inputs${withPeers ? '/peers' : ''}`;
  try {
    const response = await request(url);
    if (response.statusCode !== 200) {
      response.destroy();
      throw new Unavailable(`status ${response.statusCode}: an older version, or another program`);
    }
    response.setEncoding('utf8');
    let length = 0;
    let rest = '';
    for await (const chunk of response as AsyncIterable<string>) {
      length += chunk.length;
      if (length > maxLength) throw new Unavailable('the answer does not end');
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) reader.take(line);
    }
    return reader.done();
  } catch (error) {
    throw new Unavailable(`kube-proxy of this node does not say what it has (${address}): ${describeError(error)}`, {
      cause: error,
    });
  }
}

const request = (url: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) }, resolve).once('error', reject);
  });
