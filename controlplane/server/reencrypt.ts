// `k8ts reencrypt`: encrypts all values of a stopped server's store with the first provider of their resource, history included.
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readEncryption } from '../apiserver/config/encryption';
import { BadRequest } from '../base/errors';
import { parseText } from '../process/options';
import { type CommandContext, defineCommand } from '../process/process';
import type { EncryptionRules } from '../store/encryption/rules';
import { rewriteValues } from '../store/sqlite/rewrite';
import { serverOptions } from './options';

const options = {
  dataDir: serverOptions.dataDir,
  encryptionProviderConfig: {
    flag: 'encryption-provider-config',
    placeholder: 'FILE',
    help: 'the EncryptionConfiguration of the server; the first provider of each resource encrypts, all of them read',
    parse: parseText,
  },
};

export const command = defineCommand({
  name: 'reencrypt',
  summary: 'encrypt all stored objects with the first key; the server must be stopped',
  options,
  tool: true,
  run: reencrypt,
});

async function reencrypt({ options: { dataDir, encryptionProviderConfig: file } }: CommandContext<typeof options>) {
  const path = join(dataDir, 'state.db');
  await access(path).catch((cause: unknown) => {
    throw new BadRequest(`there is no store ${path}`, { cause });
  });
  const rules = readEncryption(await readFile(file, 'utf8'), file);
  const changed = rewriteValues(path, (key, stored) => written(rules, key, stored));
  process.stdout.write(`${changed} values written with the first key of their resource\n`);
}

/** The same buffer when the first provider wrote it: a second run does nothing. */
export function written(rules: EncryptionRules, key: string, stored: Buffer): Buffer {
  const { value, writer } = rules.decrypt(key, stored);
  return writer === rules.writer(key) ? stored : rules.encrypt(key, value);
}
