// Lets nft print planned tables, because nft prints rules in other words than it reads them. It writes them into a network namespace of
// its own, which ends with the command: the node's rules stay as they are, and kube-proxy notices nothing.
import type { Exec } from '../exec/exec';

const timeoutMs = 20_000;

/** @throws CommandFailed */
export async function printTables(exec: Exec, transaction: string): Promise<string> {
  if (transaction === '') return '';
  // The shell runs two programs in the one namespace. Its text is constant: rules go to standard input.
  const both = 'nft -f - && exec nft -n -s list ruleset';
  const argv = ['unshare', '--net', '--', 'sh', '-c', both];
  return (await exec.run(argv, { input: transaction, timeoutMs })).stdout;
}
