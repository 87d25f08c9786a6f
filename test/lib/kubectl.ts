// Which kubectl this machine has: clients differ in what they can do.
import { spawnSync } from 'node:child_process';

let minor: number | undefined;

/** 32 of version 1.32; 0 when there is none. */
function kubectlMinor(): number {
  minor ??= Number(
    /"minor": *"(\d+)/.exec(
      spawnSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' }).stdout ?? '',
    )?.[1] ?? 0,
  );
  return minor;
}

/**
 * Value of tap's option `skip`: false when the kubectl of this machine is at least version 1.`minMinor`.
 * @throws Error when there is none at all although hack/test runs, which installs one
 */
export function skipWithoutKubectl(minMinor = 0): string | false {
  const found = kubectlMinor();
  if (found === 0) {
    if (process.env['REQUIRE_KERNEL'] === '1') throw new Error('kubectl is not installed');
    return 'kubectl is not installed';
  }
  return found < minMinor && `needs kubectl 1.${minMinor}, and this is 1.${found}`;
}
