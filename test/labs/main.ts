// hack/labs: breaks a running cluster in many small ways, one after another, and asks `k8ts path` each time what is wrong.
import { AppError, describeError } from '../../controlplane/base/errors';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { parseOptions, parseText, renderOptions } from '../../controlplane/process/options';
import { planCluster } from '../../hack/dev/plan';
import { readState } from '../../hack/dev/state';
import { Cluster } from '../e2e/cluster';
import { faultLabs, healthyLabs } from './all';
import { closeLabs, type LabResult, openLabs, runLab } from './run';
import { renderTable } from './table';

const options = {
  name: { flag: 'name', placeholder: 'NAME', default: 'k8ts', help: 'name of the cluster', parse: parseText },
};

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(
      `Breaks a running cluster in many small ways, one after another, and asks k8ts path each time what is wrong. Prints a table for the README. Each lab repairs what it broke.\n\nusage: hack/labs [options] [LAB...]\n\n${renderOptions(options)}`,
    );
    return 0;
  }
  const { options: given, positional } = parseOptions(options, argv, process.env);
  const all = [...faultLabs, ...healthyLabs];
  for (const name of positional) {
    if (!all.some((lab) => lab.name === name))
      throw new AppError('BadRequest', `there is no lab ${name}; labs: ${all.map((lab) => lab.name).join(', ')}`);
  }
  const state = readState(given.name);
  if (!state)
    throw new AppError('NotFound', `there is no cluster ${given.name}; hack/up --name ${given.name} starts one`);
  const cluster = new Cluster(given.name, planCluster(state).adminConf);
  const results: LabResult[] = [];
  try {
    await openLabs(cluster, all);
    for (const lab of all) {
      if (positional.length > 0 && !positional.includes(lab.name)) continue;
      const result = await runLab(lab, cluster);
      results.push(result);
      process.stderr.write(
        `${result.ok ? 'ok   ' : 'WRONG'} ${lab.name.padEnd(28)} ${result.said.padEnd(18)} ${Math.round(result.ms)} ms\n`,
      );
      if (!result.ok) process.stderr.write(`      ${result.sentence}\n`);
    }
  } finally {
    await closeLabs(cluster);
  }
  process.stdout.write(renderTable(results));
  return results.every(({ ok }) => ok) ? 0 : 1;
}

void main(process.argv.slice(2)).then(exitWhenWritten, (err) => {
  process.stderr.write(`hack/labs: ${describeError(err)}\n`);
  process.exit(err instanceof AppError && err.code === 'BadRequest' ? 2 : 1);
});
