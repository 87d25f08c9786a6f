// Warnings of a volume that would write two files to one path, or a file to the path of a folder.
import type { Volume } from './types';

interface File {
  readonly path: string;
  /** Where the file comes from, as messages show it; '' in a volume of one source. */
  readonly source: string;
}
type Projection = NonNullable<NonNullable<Volume['projected']>['sources']>[number];

/** A bound: with how many earlier files a file is compared. */
const maxCompared = 100;
const maxWarnings = 100;

export function warnOfOverlaps(volume: Volume): string[] {
  const { configMap, secret, downwardAPI, projected } = volume;
  const warn = (kind: string, files: readonly File[]) =>
    overlaps(files).map((text) => `volume ${JSON.stringify(volume.name)} (${kind}): overlapping paths: ${text}`);
  return [
    ...warn(`ConfigMap ${JSON.stringify(configMap?.name ?? '')}`, filesOf(configMap?.items, '')),
    ...warn(`Secret ${JSON.stringify(secret?.secretName ?? '')}`, filesOf(secret?.items, '')),
    ...warn('DownwardAPI', filesOf(downwardAPI?.items, '')),
    ...(projected?.sources ?? [])
      .filter((source) => Object.keys(source).length === 0)
      .slice(0, 1)
      .map(() => `volume ${JSON.stringify(volume.name)} (Projected) has no sources provided`),
    ...warn('Projected', (projected?.sources ?? []).flatMap(filesOfProjection)),
  ];
}

function withoutSlashes(path: string): string {
  let end = path.length;
  while (path[end - 1] === '/') end--;
  return path.slice(0, end);
}

const filesOf = (items: ReadonlyArray<{ path?: string }> = [], source: string): File[] =>
  items.map(({ path = '' }) => ({ path: withoutSlashes(path), source }));

function filesOfProjection({ configMap, secret, downwardAPI, serviceAccountToken }: Projection): File[] {
  if (configMap?.items) return filesOf(configMap.items, `ConfigMap ${JSON.stringify(configMap.name ?? '')}`);
  if (secret?.items) return filesOf(secret.items, `Secret ${JSON.stringify(secret.name ?? '')}`);
  if (downwardAPI?.items) return filesOf(downwardAPI.items, 'DownwardAPI');
  return serviceAccountToken ? filesOf([serviceAccountToken], 'ServiceAccountToken') : [];
}

const shown = ({ path, source }: File): string =>
  source === '' ? JSON.stringify(path) : `${JSON.stringify(path)} (${source})`;

function overlaps(files: readonly File[]): string[] {
  const earlier: File[] = [];
  const found: string[] = [];
  for (const file of files) {
    if (found.length >= maxWarnings) break;
    if (file.path !== '') {
      const twins = earlier.filter(
        ({ path }) => path !== '' && (isWithin(path, file.path) || isWithin(file.path, path)),
      );
      found.push(...twins.map((twin) => `${shown(file)} with ${shown(twin)}`));
    }
    if (earlier.length < maxCompared) earlier.push(file);
  }
  return found;
}

const isWithin = (path: string, folder: string): boolean => `${path}/`.startsWith(`${folder}/`);
