// Asks kube-proxy of this node what it wants in the kernel.
import { readHttpLines } from '../../controlplane/base/http-lines';
import { type DesiredOfNode, DesiredReader } from '../../dataplane/rules-diff/document';

export type Answer = DesiredOfNode | { readonly why: string };

/** With 5,000 Services it takes less than a second; a process that hangs does not answer at all. */
const timeoutMs = 10_000;
/** 50,000 Services fit in; a program that answers without an end does not. */
const maxLength = 512 * 1024 * 1024;

/** `address`: HOST:PORT. `path`: /rules, or /rules/state for the states alone. Says why where there is no answer. */
export async function askProxy(address: string, path: '/rules' | '/rules/state'): Promise<Answer> {
  const reader = new DesiredReader();
  try {
    await readHttpLines(`http://${address}${path}`, { timeoutMs, maxLength }, (line) => reader.take(line));
    return reader.done();
  } catch (error) {
    return { why: whyNot(address, error) };
  }
}

function whyNot(address: string, error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ECONNREFUSED') return `kube-proxy does not run on this node: nothing listens at ${address}`;
  return `kube-proxy does not say what it wants (${address}): ${message}`;
}
