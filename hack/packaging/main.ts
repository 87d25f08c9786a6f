// hack/package: see help.

import { resolve } from 'node:path';
import { describeError } from '../../controlplane/base/errors';
import { exitWhenWritten } from '../../controlplane/process/exit';
import { defaultDir, makePackage } from './package';

const help = `Builds one folder with all that a machine of this architecture needs to be a node of a cluster.

usage: hack/package [DIR]    default ${defaultDir}

The folder holds Node.js, the program with its native parts, the image registry and the images. Copy it to a machine with
systemd and Docker and run there, as root:  DIR/k8ts init   or   DIR/k8ts join ...
Prints the folder's path as its last line.
`;

async function main(argv: readonly string[]): Promise<number> {
  const [dir] = argv;
  if (argv.length > 1 || dir?.startsWith('-')) {
    process.stdout.write(help);
    return dir === '--help' || dir === '-h' ? 0 : 2;
  }
  process.stdout.write(
    `${await makePackage(dir === undefined ? undefined : resolve(dir), process.env['PATH'] ?? '')}\n`,
  );
  return 0;
}

void main(process.argv.slice(2)).then(exitWhenWritten, (err) => {
  process.stderr.write(`hack/package: ${describeError(err)}\n`);
  process.exit(1);
});
