// `k8ts store`: check, backup, restore, compact and migrate, for the person who runs a cluster.
import { BadRequest } from '../../base/errors';
import { type OptionTable, type Parsed, parseBoolean, parseText } from '../../process/options';
import { defineCommand } from '../../process/process';
import { serverOptions } from '../options';
import { checkBackup, checkStore } from './check';
import { backup, compact, migrate, restore } from './verbs';

export const storeOptions = {
  dataDir: serverOptions.dataDir,
  force: {
    flag: 'force',
    default: 'false',
    help: 'backup: replace the file; restore: replace the store, which is kept under another name',
    parse: parseBoolean,
  },
  from: {
    flag: 'from',
    placeholder: 'STORE',
    default: '',
    help: 'migrate: the store that has the objects: sqlite:DIR',
    parse: parseText,
  },
  to: { flag: 'to', placeholder: 'STORE', default: '', help: 'migrate: the new store', parse: parseText },
  encryptionProviderConfig: {
    flag: 'encryption-provider-config',
    placeholder: 'FILE',
    default: '',
    help: 'check: the EncryptionConfiguration of the server, to look into encrypted values too',
    parse: parseText,
  },
} satisfies OptionTable;

export type StoreOptions = Parsed<typeof storeOptions>;

export interface Task {
  readonly options: StoreOptions;
  /** The second argument; '' without one. */
  readonly file: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

const verbs: Readonly<
  Record<string, { readonly file: 'needed' | 'optional' | 'none'; readonly run: (task: Task) => Promise<void> }>
> = {
  check: { file: 'optional', run: (task) => (task.file === '' ? checkStore(task) : checkBackup(task)) },
  backup: { file: 'needed', run: backup },
  restore: { file: 'needed', run: restore },
  compact: { file: 'none', run: compact },
  migrate: { file: 'none', run: migrate },
};

export const command = defineCommand({
  name: 'store',
  summary: 'check, back up, restore, compact or move the store of a server',
  options: storeOptions,
  arguments: `${Object.keys(verbs).join('|')} [FILE]`,
  tool: true,
  notes: `  check           says what is wrong with the store, and what to do
  check FILE      the same for a backup
  backup FILE     writes all objects into a file; the server may run
  restore FILE    makes the store of a stopped server from a backup; watches begin again
  compact         drops the history and gives the freed space back; the server may run
  migrate         copies the objects of a stopped server into a new store, and compares them

examples:
  k8ts store backup /var/backups/k8ts-monday
  k8ts store check /var/backups/k8ts-monday
  k8ts store restore /var/backups/k8ts-monday --force
  k8ts store migrate --from sqlite:/var/lib/k8ts/server --to sqlite:/mnt/k8ts
`,
  async run({ options, positional, signal }) {
    const say = (line: string) => process.stdout.write(`${line}\n`);
    await runStore(positional, { options, signal, say });
  },
});

/** @throws BadRequest for wrong arguments, AppError when the store is not in order or the command failed */
export async function runStore(positional: readonly string[], task: Omit<Task, 'file'>): Promise<void> {
  const [name = '', ...rest] = positional;
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  const known = Object.keys(verbs).join(', ');
  if (!verb) throw new BadRequest(`expected one of ${known}, got ${JSON.stringify(name)}; see k8ts store --help`);
  const [file = '', stray] = rest;
  if (verb.file === 'needed' && file === '') throw new BadRequest(`${name} needs the name of a file`);
  const unexpected = verb.file === 'none' ? rest[0] : stray;
  if (unexpected !== undefined) throw new BadRequest(`unexpected argument ${JSON.stringify(unexpected)}`);
  await verb.run({ ...task, file });
}
