// Asks kube-proxy of this node what it compiles rules from.
import { describeError, Unavailable } from '../../controlplane/base/errors';
import { readHttpLines } from '../../controlplane/base/http-lines';
import { InputReader, type RuleInputs } from '../../dataplane/what-if/inputs';

const timeoutMs = 15_000;
/** 50,000 Services fit in; a program that answers without an end does not. */
const maxLength = 512 * 1024 * 1024;

/** @param address HOST:PORT. @param withPeers with all pods and namespaces. @throws Unavailable */
export async function readInputs(address: string, withPeers: boolean): Promise<RuleInputs> {
  const reader = new InputReader();
  const url = `http://${address}/rules/inputs${withPeers ? '/peers' : ''}`;
  try {
    await readHttpLines(url, { timeoutMs, maxLength }, (line) => reader.take(line));
    return reader.done();
  } catch (error) {
    throw new Unavailable(`kube-proxy of this node does not say what it has (${address}): ${describeError(error)}`, {
      cause: error,
    });
  }
}
