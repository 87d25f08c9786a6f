// The record of what the set-up changed on this machine, and of the state before, in one file. A second run reads the desired
// state from it; `k8ts reset` reads what to restore.
import { BadRequest } from '../../controlplane/base/errors';
import type { Desired } from './desired';
import type { DockerChanges } from './docker-config';
import { recordPath } from './layout';
import type { MachineFiles } from './machine-files';

export interface SetupRecord {
  readonly version: 1;
  readonly desired: Desired;
  /** sha256:HEX of the authority of the cluster; '' until the first run has it. */
  readonly caHash: string;
  readonly docker: DockerChanges;
  /** Kernel settings before the set-up: net.ipv4.ip_forward → 0. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Units of the system that were not enabled and are now. */
  readonly enabled: readonly string[];
  /** Whether the set-up installed the programs. */
  readonly installed: boolean;
}

/** @throws BadRequest when the file is not a record of this version */
export async function readRecord(files: MachineFiles): Promise<SetupRecord | undefined> {
  const file = await files.read(recordPath);
  if (!file) return undefined;
  try {
    // Earlier versions wrote `wishes` for `desired`.
    const { wishes, ...record } = JSON.parse(file.text) as SetupRecord & { readonly wishes?: Desired };
    if (record.version === 1) return wishes ? { ...record, desired: wishes } : record;
  } catch {
    // Reported below: the caller cannot do anything with the position of a missing brace.
  }
  throw new BadRequest(
    `${recordPath} is not a record of this version; without this file, k8ts reset removes everything with a name of k8ts`,
  );
}

export const writeRecord = (files: MachineFiles, record: SetupRecord): Promise<void> =>
  files.write(recordPath, { text: `${JSON.stringify(record, null, 2)}\n`, mode: 0o600 });
