// The plug-in of all volumes whose files come from the API: configMap, secret, downwardAPI and projected.
import { mkdir } from 'node:fs/promises';
import { writeAtomically } from '../atomic-writer';
import { type ProjectedSource, projectedPayload, tokensOf, type Volume } from '../payload';
import { definePlugin, type References, type SetUp, type SourceField, type VolumePlugin } from './plugin';

interface Parts<F extends SourceField> {
  readonly dir: string;
  /** The files are in a tmpfs and never on a disk. */
  readonly inMemory: boolean;
  /** The source as a projected volume with the same files. */
  readonly asProjected: (source: NonNullable<Volume[F]>) => ProjectedSource;
}

export function filesPlugin<F extends SourceField>(field: F, { dir, inMemory, asProjected }: Parts<F>): VolumePlugin {
  return definePlugin(field, {
    dir,
    readOnly: true,
    measured: 'files',
    references: (source) => referencesOf(asProjected(source)),
    setUp: (source, task) => writeFiles(asProjected(source), inMemory, task),
  });
}

function referencesOf({ sources = [] }: ProjectedSource): References {
  return {
    configMaps: sources.flatMap(({ configMap }) => configMap?.name ?? []),
    secrets: sources.flatMap(({ secret }) => secret?.name ?? []),
  };
}

async function writeFiles(source: ProjectedSource, inMemory: boolean, task: SetUp): Promise<number | undefined> {
  const { pod, path, facts, deps, signal } = task;
  const renewals = await Promise.all(tokensOf(source).map((desired) => deps.tokens.fetch(pod, desired, signal)));
  const payload = projectedPayload(pod, source, {
    configMap: (name) => deps.configMap(pod, name),
    secret: (name) => deps.secret(pod, name),
    token: (desired) => deps.tokens.peek(pod, desired),
    facts,
  });
  if (inMemory) {
    await mkdir(path, { recursive: true, mode: 0o755 });
    await deps.mounts.ensureTmpfs(path, { mode: 0o755 });
  }
  const gid = pod.spec?.securityContext?.fsGroup;
  await writeAtomically(path, payload, gid === undefined ? {} : { gid });
  return renewals.length === 0 ? undefined : Math.min(...renewals);
}
