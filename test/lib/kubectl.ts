// The version of this machine's kubectl: older versions lack some commands.
import type { Test } from 'tap';
import { isNotFound } from '../../controlplane/base/errors';
import { SystemExec } from '../../dataplane/exec/system-exec';

/** 32 for version 1.32; undefined without kubectl. */
async function kubectlMinor(): Promise<number | undefined> {
  try {
    const { stdout } = await new SystemExec().run(['kubectl', 'version', '--client', '-o', 'json']);
    return Number(/"minor": *"(\d+)/.exec(stdout)?.[1] ?? 0);
  } catch (err) {
    if (isNotFound(err)) return undefined;
    throw err;
  }
}

/**
 * Skips the test, and resolves to true, unless the kubectl of this machine is at least version 1.`minMinor`.
 * @throws Error when there is none at all although hack/test runs, which installs one
 */
export async function skippedWithoutKubectl(test: Test, minMinor = 0): Promise<boolean> {
  const found = await kubectlMinor();
  if (found === undefined && process.env['REQUIRE_KERNEL'] === '1') throw new Error('kubectl is not installed');
  if (found !== undefined && found >= minMinor) return false;
  test.plan(
    0,
    found === undefined ? 'kubectl is not installed' : `needs kubectl 1.${minMinor}, and this is 1.${found}`,
  );
  return true;
}
