// `k8ts store check`: reads everything and prints what is wrong, with the key and what to do. A restore prints the same of its backup.
import { readFile } from 'node:fs/promises';
import { registry } from '../../api/registry';
import { readEncryption } from '../../apiserver/config/encryption';
import { AppError } from '../../base/errors';
import type { Store } from '../../store/store';
import { readBackup } from '../../store/tools/backup-file';
import type { BackupHeader, Entry } from '../../store/tools/backup-format';
import { contentsOf, type Digest, Digesting } from '../../store/tools/contents';
import type { Task } from './command';
import { definitionsPrefix, type Finding, ObjectChecks, orphan } from './objects';
import { until } from './save';

/** Lines of one check: thousands of the same trouble say no more. */
const maxLines = 100;

/** Prints findings, and counts those that it does not print. */
class Findings {
  count = 0;
  constructor(private readonly say: (line: string) => void) {}

  add({ key, problem, remedy }: Finding): void {
    this.count++;
    if (this.count <= maxLines) this.say(`${key === undefined ? '' : `${key}: `}${problem}\n    ${remedy}`);
  }

  /** @throws AppError when there were findings */
  end(what: string, summary: string): void {
    if (this.count > maxLines) this.say(`... and ${this.count - maxLines} more`);
    if (this.count > 0) throw new AppError('Invalid', `${what}: ${this.count} problems`);
    this.say(`${what}: ${summary}; no problem was found`);
  }
}

/** Of stopped servers, or of what a running one has now. @throws AppError when something is wrong */
export async function checkStore(task: Task): Promise<void> {
  const { options, signal, say } = task;
  const place = await task.place();
  const findings = new Findings(say);
  const checks = await openChecks(task);
  await place.read(options.dataDir, signal, async ({ what, faults, open }) => {
    for (const { key, problem } of faults()) {
      const remedy = 'make a backup if that works, check it, and restore it; or restore an older backup';
      findings.add({ ...(key === undefined ? {} : { key }), problem, remedy });
    }
    // The rows of a damaged file cannot be trusted.
    if (findings.count > 0) return findings.end(what, '');
    const store = await open();
    const revision = await checkContents(store, checks, findings, signal);
    findings.end(what, `${checks.count} objects${encryptedNote(checks)}, revision ${revision}`);
  });
}

/** Resolves with the revision at which the store was read. */
async function checkContents(
  store: Store,
  checks: ObjectChecks,
  findings: Findings,
  signal: AbortSignal,
): Promise<number> {
  const { revision, entries } = await contentsOf(store);
  const definitions = await store.range(definitionsPrefix, { revision });
  for (const item of definitions.items) checks.define({ ...item, claims: [] });
  const owners = new Set<string>();
  for await (const entry of entries) {
    signal.throwIfAborted();
    if (entry.claims.length > 0) owners.add(entry.key);
    for (const finding of checks.check(entry)) findings.add(finding);
  }
  for (const { claim, owner } of await store.claims(revision)) {
    if (!owners.has(owner)) findings.add(orphan(claim, owner));
  }
  return revision;
}

export async function checkBackup(task: Task): Promise<void> {
  const findings = new Findings(task.say);
  const { checks, header } = await readEntries(task, findings);
  const { created, revision } = header;
  findings.end(task.file, `${checks.count} objects${encryptedNote(checks)} of ${created}, revision ${revision}`);
}

/** For a restore: prints what check would find, and resolves with all that the file has. @throws AppError for a file that is no backup */
export async function inspectBackup(
  task: Task,
): Promise<{ readonly header: BackupHeader; readonly sum: Digest; readonly problems: number }> {
  const findings = new Findings(task.say);
  const { header, sum } = await readEntries(task, findings);
  return { header, sum, problems: findings.count };
}

/** Reads the file twice: objects of a definition may stand before it. */
async function readEntries(
  task: Task,
  findings: Findings,
): Promise<{ readonly checks: ObjectChecks; readonly header: BackupHeader; readonly sum: Digest }> {
  const { file, signal } = task;
  const checks = await openChecks(task);
  const each = (work: (entry: Entry) => void) =>
    readBackup(file, async ({ header, entries }) => {
      const sum = new Digesting();
      for await (const entry of until(signal, sum.through(entries))) work(entry);
      return { header, sum: sum.digest() };
    });
  await each((entry) => {
    if (entry.key.startsWith(definitionsPrefix)) checks.define(entry);
  });
  const read = await each((entry) => {
    for (const finding of checks.check(entry)) findings.add(finding);
  });
  return { checks, ...read };
}

async function openChecks({ options }: Task): Promise<ObjectChecks> {
  const file = options.encryptionProviderConfig;
  return new ObjectChecks(registry, file === '' ? undefined : readEncryption(await readFile(file, 'utf8'), file));
}

const encryptedNote = ({ encrypted }: ObjectChecks): string =>
  encrypted === 0 ? '' : ` (${encrypted} of them encrypted: --encryption-provider-config looks into them)`;
