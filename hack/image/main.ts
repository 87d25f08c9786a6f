// hack/images: builds the images of the local cluster and lists them; with a registry's address, pushes them there too.

import { join } from 'node:path';
import { describeError } from '../../controlplane/base/errors';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { pushImage, waitForRegistry } from './registry';
import { ensureImages } from './store';

const root = join(__dirname, '..', '..');

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.length > 1 || argv[0]?.startsWith('-')) {
    process.stdout.write(
      'usage: hack/images [REGISTRY-ADDRESS]\n\nBuilds the local images; pushes them to HOST:PORT if given.\n',
    );
    return argv.includes('--help') ? 0 : 2;
  }
  const paths = { dir: join(root, '.runtime/images'), source: join(root, 'hack/image') };
  const { images, built } = await ensureImages(new SystemExec(), paths);
  for (const { repository, tag, layer } of images) {
    const size = `${(layer.bytes.length / 1024 / 1024).toFixed(1)} MiB`;
    process.stdout.write(`${`${repository}:${tag}`.padEnd(28)} ${size.padStart(9)}  ${layer.digest.slice(7, 19)}\n`);
  }
  if (!built) process.stdout.write('nothing had to be built\n');
  const registry = argv[0];
  if (registry) {
    await waitForRegistry(registry);
    for (const image of images) await pushImage(registry, image);
    process.stdout.write(`pushed to ${registry}\n`);
  }
  return 0;
}

void main(process.argv.slice(2)).then(exitWhenWritten, (err) => {
  process.stderr.write(`hack/images: ${describeError(err)}\n`);
  process.exit(1);
});
