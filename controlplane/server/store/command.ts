// `k8ts store`: check, backup, restore, compact and migrate, for the person who runs a cluster.
import { BadRequest } from '../../base/errors';
import { type OptionTable, type Parsed, parseBoolean, parseText } from '../../process/options';
import { defineCommand } from '../../process/process';
import { serverOptions } from '../options';
import { parseStore, readStoreSpec, type StoreChoice, storeOptions } from '../store-options';
import { checkBackup, checkStore } from './check';
import type { StorePlace } from './places';
import { SqlitePlace } from './sqlite-place';
import { backup, compact, migrate, restore } from './verbs';

/** What --from and --to take. */
const placeForms = 'sqlite:DIR or etcd://HOST:PORT[,...]';

export const commandOptions = {
  dataDir: serverOptions.dataDir,
  ...storeOptions,
  force: {
    flag: 'force',
    default: 'false',
    help: 'backup: replace the file; restore: replace the store, which is kept under another name',
    parse: parseBoolean,
  },
  dryRun: {
    flag: 'dry-run',
    default: 'false',
    help: 'restore: reads the whole backup, and changes nothing',
    parse: parseBoolean,
  },
  from: {
    flag: 'from',
    placeholder: 'STORE',
    default: '',
    help: `migrate: the store that has the objects: ${placeForms}`,
    parse: parseText,
  },
  to: { flag: 'to', placeholder: 'STORE', default: '', help: 'migrate: the new store', parse: parseText },
  encryptionProviderConfig: {
    flag: 'encryption-provider-config',
    placeholder: 'FILE',
    default: '',
    help: 'check, restore: the EncryptionConfiguration of the server, to look into encrypted values too',
    parse: parseText,
  },
} satisfies OptionTable;

export type CommandOptions = Parsed<typeof commandOptions>;

export interface Task {
  readonly options: CommandOptions;
  /** The second argument; '' without one. */
  readonly file: string;
  /** The store that --store names. @throws BadRequest */
  readonly place: () => Promise<StorePlace>;
  /** The store that --from or --to names. @throws BadRequest */
  readonly placeOf: (text: string) => Promise<StorePlace>;
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
  options: commandOptions,
  arguments: `${Object.keys(verbs).join('|')} [FILE]`,
  tool: true,
  notes: `  check           says what is wrong with the store, and what to do
  check FILE      the same for a backup
  backup FILE     writes all objects into a file; the server may run
  restore FILE    makes the store of stopped servers from a backup; watches begin again
  compact         drops the history and gives the freed space back; the server may run
  migrate         copies the objects of stopped servers into a new store, and compares them

examples:
  k8ts store backup /var/backups/k8ts-monday
  k8ts store check /var/backups/k8ts-monday
  k8ts store restore /var/backups/k8ts-monday --force
  k8ts store backup /var/backups/k8ts-monday --store etcd://10.0.0.10:2379 --etcd-cafile ca.crt --etcd-certfile client.crt --etcd-keyfile client.key
  k8ts store migrate --from sqlite:/var/lib/k8ts/server --to etcd://127.0.0.1:2379
`,
  async run({ options, positional, signal }) {
    const say = (line: string) => process.stdout.write(`${line}\n`);
    await runStore(positional, { options, signal, say });
  },
});

/** @throws BadRequest for wrong arguments, AppError when the store is not in order or the command failed */
export async function runStore(
  positional: readonly string[],
  task: Omit<Task, 'file' | 'place' | 'placeOf'>,
): Promise<void> {
  const [name = '', ...rest] = positional;
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  const known = Object.keys(verbs).join(', ');
  if (!verb) throw new BadRequest(`expected one of ${known}, got ${JSON.stringify(name)}; see k8ts store --help`);
  const [file = '', stray] = rest;
  // A variable of a script that is empty: without a file, check would look at something else.
  if (rest[0] === '') throw new BadRequest('the name of the file is empty');
  if (verb.file === 'needed' && file === '') throw new BadRequest(`${name} needs the name of a file`);
  const unexpected = verb.file === 'none' ? rest[0] : stray;
  if (unexpected !== undefined) throw new BadRequest(`unexpected argument ${JSON.stringify(unexpected)}`);
  const { options } = task;
  const placeOf = async (text: string) => {
    const directory = /^sqlite:(.+)$/.exec(text)?.[1];
    if (directory !== undefined) return new SqlitePlace(directory);
    if (!text.startsWith('etcd://')) throw new BadRequest(`${JSON.stringify(text)}: expected ${placeForms}`);
    return openPlace(options, parseStore(text));
  };
  await verb.run({ ...task, file, place: () => openPlace(options, options.store), placeOf });
}

/** @throws BadRequest */
async function openPlace(options: CommandOptions, store: StoreChoice): Promise<StorePlace> {
  const { dataDir } = options;
  const spec = await readStoreSpec({ ...options, store }, { dataDir, erases: false });
  if (spec.kind === 'memory') throw new BadRequest('a store in memory ends with its server');
  if (spec.kind === 'sqlite') return new SqlitePlace(dataDir);
  const { EtcdPlace } = await import('./etcd-place');
  return new EtcdPlace(spec);
}
