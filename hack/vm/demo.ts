// Creates the demo's objects on the control machine, which has no kubectl. It creates nothing while fewer nodes than expected are
// Ready, so that the pods spread over all nodes. Existing objects stay unchanged. Part of the package that hack/package builds.

import { describeError } from '../../controlplane/base/errors';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { Api, readManifests } from '../dev/api';

/** In an emulated machine on a busy host, each request takes seconds. */
const requestTimeoutMs = 120_000;

async function main([kubeconfig, dir, nodes, ...rest]: readonly string[]): Promise<number> {
  const expected = Number(nodes);
  if (kubeconfig === undefined || dir === undefined || !Number.isInteger(expected) || rest.length > 0) {
    process.stderr.write('usage: demo.js KUBECONFIG DIRECTORY NODES\n');
    return 2;
  }
  const api = await Api.open(kubeconfig, requestTimeoutMs);
  const ready = (await api.nodes()).filter((node) => node.ready).length;
  if (ready < expected) {
    process.stdout.write(`${ready} of ${expected} nodes are Ready; the last machine creates the demo\n`);
    return 0;
  }
  const created = await api.createMissing(await readManifests(dir));
  process.stdout.write(
    created.length === 0 ? 'the demo exists already\n' : `the demo: created ${created.join(', ')}\n`,
  );
  return 0;
}

void main(process.argv.slice(2)).then(exitWhenWritten, (err) => {
  process.stderr.write(`demo: ${describeError(err)}\n`);
  process.exit(1);
});
