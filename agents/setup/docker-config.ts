// What a node needs in Docker's daemon.json. It is merged into the user's file, whose settings stay, and removed again without changing
// anything else. Docker takes all of it by a reload: no container stops. Source: dockerd(8), "Daemon configuration file" and
// "Configuration reload behavior". Pure.
import { isDeepStrictEqual } from 'node:util';
import { daemonJsonPath } from './layout';
import { Refused } from './refused';

export type DaemonJson = Readonly<Record<string, unknown>>;

/** The changes that k8ts made: settings that were absent, and entries of lists. */
export interface DockerChanges {
  /** The file before the first change, byte for byte; null when there was none. */
  readonly original: string | null;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly entries: Readonly<Record<string, readonly string[]>>;
}
export interface DockerFacts {
  /** Text of daemon.json; undefined when there is none. */
  readonly daemonJson: string | undefined;
  /** The options of the running dockerd: it refuses to start when a flag and the file name the same setting. */
  readonly flags: readonly string[];
}
export interface DesiredDocker {
  /** host:port, asked before the registries of the Internet; '' for none. */
  readonly registry: string;
}
export interface MergedDocker {
  /** The complete desired file. */
  readonly text: string;
  readonly changes: DockerChanges;
}

export const noDockerChanges: DockerChanges = { original: '', settings: {}, entries: {} };

/** Flag of dockerd for each setting of ours. */
const flagOf: Readonly<Record<string, string>> = {
  'live-restore': '--live-restore',
  'registry-mirrors': '--registry-mirror',
  'insecure-registries': '--insecure-registry',
};

/** Settings under which pods cannot run, with the reason. */
const impossible: readonly {
  readonly key: string;
  readonly when: (value: unknown) => boolean;
  readonly why: string;
}[] = [
  {
    key: 'live-restore',
    when: (value) => value === false,
    why: 'a restart of Docker would stop every pod of this node, and the kubelet would have to start them again',
  },
  {
    key: 'userns-remap',
    when: (value) => typeof value === 'string' && value !== '',
    why: 'containers would run in user namespaces of their own, which cannot join the namespaces of a pod, nor read its volumes',
  },
  {
    key: 'hosts',
    when: (value) =>
      Array.isArray(value) && !value.some((host) => /^(fd:|unix:\/\/(\/var)?\/run\/docker\.sock$)/.test(host)),
    why: 'the kubelet reaches Docker at /var/run/docker.sock, which is not among them',
  },
];

/**
 * The file with the settings of k8ts. `before` is what an earlier run added: it is removed first, so that a registry that has moved
 * leaves no trace. @throws Refused when the file is not a JSON object, or a setting of the user excludes one of k8ts
 */
export function mergeDaemonJson(
  facts: DockerFacts,
  desired: DesiredDocker,
  before: DockerChanges | undefined,
): MergedDocker {
  const there = parseDaemonJson(facts.daemonJson);
  const base = withoutChanges(there, before ?? noDockerChanges);
  for (const { key, when, why } of impossible) {
    if (!when(base[key])) continue;
    throw new Refused(
      `${daemonJsonPath} sets ${key} to ${JSON.stringify(base[key])}: ${why}.`,
      `Remove that setting, restart Docker, and run this again.`,
    );
  }
  const merged: Record<string, unknown> = { ...base };
  const settings: Record<string, unknown> = {};
  const entries: Record<string, string[]> = {};
  if (base['live-restore'] === undefined && !facts.flags.includes(flagOf['live-restore']!)) {
    merged['live-restore'] = settings['live-restore'] = true;
  }
  if (desired.registry !== '') {
    addEntry('registry-mirrors', `http://${desired.registry}`);
    addEntry('insecure-registries', desired.registry);
  }
  const original = before ? before.original : (facts.daemonJson ?? null);
  // A file that has all of it already stays byte for byte, indentation included.
  const same = facts.daemonJson !== undefined && isDeepStrictEqual(merged, there);
  return { text: same ? facts.daemonJson! : renderDaemonJson(merged), changes: { original, settings, entries } };

  /** Our entry is last: the engine asks the user's own mirrors first. */
  function addEntry(key: string, value: string): void {
    const present = base[key] ?? [];
    if (facts.flags.includes(flagOf[key]!)) {
      throw new Refused(
        `dockerd is started with ${flagOf[key]}, and does not start when ${daemonJsonPath} names ${key} as well.`,
        `Move the values of ${flagOf[key]} into ${daemonJsonPath} under "${key}", restart Docker, and run this again.`,
      );
    }
    if (!Array.isArray(present)) {
      throw new Refused(`${daemonJsonPath}: ${key} is not a list.`, 'Correct the file and run this again.');
    }
    if (present.includes(value)) return;
    merged[key] = [...present, value];
    entries[key] = [value];
  }
}

/**
 * The file without what k8ts added. Byte for byte the original one if it has not changed since; undefined if there was no file and
 * nothing else is in it.
 */
export function unmergeDaemonJson(text: string, changes: DockerChanges): string | undefined {
  const rest = withoutChanges(parseDaemonJson(text), changes);
  if (changes.original === null) return Object.keys(rest).length === 0 ? undefined : renderDaemonJson(rest);
  return isDeepStrictEqual(rest, parseDaemonJson(changes.original)) ? changes.original : renderDaemonJson(rest);
}

/** A setting of ours that the user has changed since then belongs to the user. */
function withoutChanges(file: DaemonJson, { settings, entries }: DockerChanges): DaemonJson {
  const rest: Record<string, unknown> = { ...file };
  for (const [key, value] of Object.entries(settings)) {
    if (JSON.stringify(rest[key]) === JSON.stringify(value)) delete rest[key];
  }
  for (const [key, ours] of Object.entries(entries)) {
    const present = rest[key];
    if (!Array.isArray(present)) continue;
    const left = present.filter((value) => !ours.includes(value as string));
    if (left.length === 0 && present.length > 0) delete rest[key];
    else rest[key] = left;
  }
  return rest;
}

function parseDaemonJson(text: string | undefined): DaemonJson {
  if (text === undefined || text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (err) {
    throw new Refused(
      `${daemonJsonPath} is not JSON: ${err instanceof Error ? err.message : err}`,
      'Docker itself does not start with it. Correct the file and run this again.',
    );
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Refused(`${daemonJsonPath} is not a JSON object.`, 'Correct the file and run this again.');
  }
  return value as DaemonJson;
}

const renderDaemonJson = (file: DaemonJson): string => `${JSON.stringify(file, null, 2)}\n`;
