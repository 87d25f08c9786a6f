// Divides test files into batches that share a process. Pure.

/** Loading modules costs a batch about 0.6 s; a crash costs the results of its batch. */
const batchSize = 24;

export interface TestFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Batches of neighbours, which load the same modules. A file with snapshots has a process for itself, because tap names snapshots
 * by the file that the process runs.
 */
export function batchesOf(files: readonly TestFile[]): readonly (readonly string[])[] {
  const alone = files.filter(hasSnapshots).map(({ path }) => [path]);
  const paths = files.filter((file) => !hasSnapshots(file)).map(({ path }) => path);
  const count = Math.ceil(paths.length / batchSize);
  const size = Math.ceil(paths.length / count);
  const together = Array.from({ length: count }, (_, i) => paths.slice(i * size, (i + 1) * size));
  return [...together, ...alone].filter((batch) => batch.length > 0);
}

const hasSnapshots = ({ text }: TestFile): boolean => text.includes('keepSnapshots(');
