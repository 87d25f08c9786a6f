// hack/traffic: one run, its accounts as tables, and exit status 1 if a request was lost that the rules do not allow.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError, describeError } from '../../controlplane/base/errors';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { parseOptions, renderOptions } from '../../controlplane/process/options';
import { renderAccounts } from './accounts';
import { trafficOptions } from './options';
import { runTraffic } from './run';

const root = join(__dirname, '..', '..');

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(
      `Sends requests into a cluster at a steady rate while faults happen, counts every request, and blames each lost one on a cause. Exit status 1: a request was lost that test/traffic/README.md does not allow.\n\nusage: hack/traffic [options]\n\n${renderOptions(trafficOptions)}`,
    );
    return 0;
  }
  const { options, positional } = parseOptions(trafficOptions, argv, {});
  if (positional.length > 0) throw new AppError('BadRequest', `unexpected argument ${positional[0]}; see --help`);
  const write = (text: string) => void (options.quiet || process.stdout.write(text));
  const abort = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => abort.abort(new AppError('Unavailable', `stopped by ${name}`)));
  }
  const { accounts, faults, moves } = await runTraffic({ ...options, write, signal: abort.signal });
  const file = join(root, options.output);
  mkdirSync(dirname(file), { recursive: true });
  const { rows, losses } = accounts;
  writeFileSync(file, JSON.stringify({ at: new Date().toISOString(), options, faults, moves, rows, losses }, null, 1));
  process.stdout.write(`\n${renderAccounts(accounts)}`);
  const lost = losses.filter(({ excuse }) => excuse === undefined);
  process.stdout.write(
    lost.length === 0
      ? `no request was lost that is not allowed; seed ${options.seed}, ${faults.length} faults, details in ${file}\n`
      : `${lost.length} requests LOST; again: hack/traffic --seed ${options.seed}; details in ${file}\n`,
  );
  return lost.length === 0 ? 0 : 1;
}

void main(process.argv.slice(2)).then(exitWhenWritten, (err) => {
  process.stderr.write(`hack/traffic: ${describeError(err)}\n`);
  process.exit(err instanceof AppError && err.code === 'BadRequest' ? 2 : 1);
});
