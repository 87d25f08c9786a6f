// The version of this program, in the fields of the answer of GET /version: the API level and the runtime.
import packageJson from '../../package.json';

/** 1.36.0-k8ts.1 becomes v1.36.0+k8ts.1: the part after the API level is the version of k8ts. */
const gitVersion = `v${packageJson.version.replace('-', '+')}`;
const [major = '1', minor = '0'] = packageJson.version.split('.');

export const versionInfo = {
  major,
  minor,
  emulationMajor: major,
  emulationMinor: minor,
  minCompatibilityMajor: major,
  minCompatibilityMinor: String(Number(minor) - 1),
  gitVersion,
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  // client-go prints these two fields; no tool acts on them.
  goVersion: `node ${process.version}`,
  compiler: 'typescript',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const;
