// kubernetes_build_info: the version of a process, in labels. The alert KubeVersionMismatch compares those of all processes.
import { renderGauge } from './metric';

export interface BuildInfo {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
}

export function renderBuildInfo(info: BuildInfo): readonly string[] {
  const labels = Object.entries({
    build_date: info.buildDate,
    compiler: info.compiler,
    git_commit: info.gitCommit,
    git_tree_state: info.gitTreeState,
    git_version: info.gitVersion,
    go_version: info.goVersion,
    major: info.major,
    minor: info.minor,
    platform: info.platform,
  })
    .map(([name, value]) => `${name}="${value}"`)
    .join(',');
  return renderGauge(
    { name: 'kubernetes_build_info', help: 'The version of the server, in its labels; the value is always 1.' },
    [[labels, 1]],
  );
}
