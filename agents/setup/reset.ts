// `k8ts reset`: removes everything that init or join created, in the reverse order, and reports what stays and why. Works from
// any state: an object that is already missing is no error.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeError } from '../../controlplane/base/errors';
import { etcdFiles } from '../../controlplane/pki/etcd';
import { type CommandContext, defineCommand } from '../../controlplane/process/process';
import { SystemMounts } from '../../dataplane/mount/system-mounts';
import { handOverLeadership, listMembers, removeMember } from './control-plane/members';
import { unmergeDaemonJson } from './docker-config';
import { readSysctls, readUnits } from './executor';
import {
  cacheName,
  configDir,
  daemonJsonPath,
  everyPart,
  kubeletDir,
  partsOf,
  pluginPath,
  programDir,
  serverPkiDir,
  stateDir,
  sysctlPath,
  target,
  unitDir,
  unitOf,
  users,
  usersPath,
  wrapperPath,
} from './layout';
import { findProgram } from './observe';
import { resetOptions } from './options';
import { readRecord, type SetupRecord } from './record';
import { Refused } from './refused';
import { openSession, type Session } from './session';
import { enabledUnits, unitFiles } from './units';

type Context = CommandContext<typeof resetOptions>;

export const command = defineCommand({
  name: 'reset',
  summary: 'take away what init or join made of this machine',
  options: resetOptions,
  tool: true,
  run: reset,
});

const stopTimeoutMs = 180_000;
/** Marks the routes of pods, in both families. */
const podRouteProtocol = '84';
const podLinks = ['cni0', 'k8ts-vxlan'];

async function reset({ options, log, signal }: Context): Promise<void> {
  if (process.getuid?.() !== 0)
    throw new Refused('needs root: units, rules and links are removed.', 'Run it with sudo.');
  const session = openSession(signal);
  const { say } = session;
  // A record that cannot be read must not prevent a reset: without it, everything with a name of k8ts is removed.
  const record = await readRecord(session.files).catch((err: unknown) => {
    log.warn('the record cannot be read; everything with a name of k8ts is removed', { error: err });
    return undefined;
  });
  if (!options.yes) {
    say(announcement(record));
    return;
  }
  const left: string[] = [];
  await leaveEtcd(session, record, left);
  await stopUnits(session);
  await removeContainers(session, left);
  await removePodCgroups(session);
  await removeNetwork(session, left);
  await new SystemMounts().detachBelow(kubeletDir);
  await restoreDocker(session, record, left);
  await restoreSysctls(session, record, left);
  await removeFiles(session, record, left);
  await removeUsers(session);
  say('\nLeft as they are:');
  for (const line of [...left, ...alwaysLeft(record)]) say(`  ${line}`);
}

function announcement(record: SetupRecord | undefined): string {
  const what = record
    ? `node ${record.desired.nodeName} of ${record.desired.server}${record.desired.role === 'control' ? ', with the whole state of that cluster' : ''}`
    : 'whatever has a name of k8ts on this machine';
  return `This removes ${what}: units, configuration, certificates, pods, volumes, rules, links and state.\nTo do it: k8ts reset --yes`;
}

/** The others would wait for a member that never returns, and count it when they need a majority. */
async function leaveEtcd({ say }: Session, record: SetupRecord | undefined, left: string[]): Promise<void> {
  if (!record?.desired.etcd) return;
  const { nodeIp, nodeName } = record.desired;
  try {
    const files = etcdFiles(serverPkiDir);
    const [ca, cert, key] = await Promise.all(
      [files.ca, files.clientCert, files.clientKey].map((path) => readFile(path, 'utf8')),
    );
    const etcd = { ip: '127.0.0.1', ca: ca!, client: { cert: cert!, key: key! } };
    if ((await listMembers(etcd)).length <= 1) return;
    // Where the other does not take over, the member leaves all the same, and the others elect a leader.
    const leader = await handOverLeadership(etcd).catch(() => undefined);
    if (leader !== undefined) say(`${leader} leads etcd now`);
    await removeMember(etcd, nodeIp);
    say('left the cluster of etcd');
  } catch (err) {
    left.push(
      `the member ${nodeName} of etcd: ${describeError(err)}. On another control machine: etcdctl member list, etcdctl member remove ID`,
    );
  }
}

async function stopUnits({ exec, say }: Session): Promise<void> {
  const units = [target, ...partsOf(everyPart).map(unitOf), 'k8ts-registry-push.service'];
  await exec.run(['systemctl', 'stop', ...units], { timeoutMs: stopTimeoutMs }).catch(() => undefined);
  const enabled = enabledUnits(everyPart);
  for (const unit of enabled) await exec.run(['systemctl', 'disable', '--quiet', unit]).catch(() => undefined);
  say('stopped and disabled the units');
}

async function removeContainers({ engine, say }: Session, left: string[]): Promise<void> {
  if (!(await engine.info())) {
    left.push(
      'containers of pods: Docker does not answer. Later: docker rm -f $(docker ps -aq --filter label=io.kubernetes.pod.uid)',
    );
    return;
  }
  const ids = await engine.podContainers();
  for (const id of ids) await engine.removeContainer(id);
  if (ids.length > 0) say(`removed ${ids.length} containers of pods`);
}

/** The groups that the kubelet has made for pods, in each hierarchy. One that still has processes stays. */
async function removePodCgroups({ exec }: Session): Promise<void> {
  const root = '/sys/fs/cgroup';
  const tops = ['', ...(await readdir(root).catch((): string[] => []))];
  // Where the kubelet makes them with its default, --cgroup-root=/.
  for (const dir of tops.map((top) => join(root, top, 'kubepods')).filter((path) => existsSync(path))) {
    await exec.run(['find', dir, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']).catch(() => undefined);
  }
}

/** Removes rules by kube-proxy, which wrote them; then routes, links and what belongs to them. */
async function removeNetwork({ exec, say }: Session, left: string[]): Promise<void> {
  // Uses the program that runs here, because the installed one may be removed already.
  const cleanup = [process.execPath, ...process.execArgv, require.main?.filename ?? '', 'kube-proxy', '--cleanup'];
  try {
    await exec.run(cleanup);
    say('removed the rules of Services and policies');
  } catch (err) {
    left.push(`rules of Services and policies: ${err instanceof Error ? err.message : err}`);
  }
  for (const family of ['-4', '-6']) {
    await exec.run(['ip', family, 'route', 'flush', 'proto', podRouteProtocol]).catch(() => undefined);
  }
  for (const link of await portsOf(exec, podLinks[0]!))
    await exec.run(['ip', 'link', 'del', link]).catch(() => undefined);
  for (const link of podLinks) await exec.run(['ip', 'link', 'del', link]).catch(() => undefined);
  say(`removed the links ${podLinks.join(', ')} and the routes of pods`);
}

/** Links of pods whose process outlived its container. */
async function portsOf(exec: Session['exec'], bridge: string): Promise<readonly string[]> {
  const answer = await exec.run(['ip', '-json', 'link', 'show', 'master', bridge]).catch(() => undefined);
  return (JSON.parse(answer?.stdout || '[]') as { ifname: string }[]).map(({ ifname }) => ifname);
}

async function restoreDocker(
  { exec, files, say }: Session,
  record: SetupRecord | undefined,
  left: string[],
): Promise<void> {
  const file = await files.read(daemonJsonPath);
  if (!record) {
    if (file) left.push(`${daemonJsonPath}: without a record it is not known which settings were yours`);
    return;
  }
  if (!file) return;
  const text = unmergeDaemonJson(file.text, record.docker);
  if (text === file.text) return;
  if (text === undefined) await files.remove(daemonJsonPath);
  else await files.write(daemonJsonPath, { text, mode: file.mode });
  await exec.run(['systemctl', 'reload', 'docker.service']).catch(() => undefined);
  say(`took our settings out of ${daemonJsonPath}`);
  for (const unit of record.enabled) {
    await exec.run(['systemctl', 'disable', '--quiet', unit]);
    say(`disabled ${unit}, as it was before; it goes on running until the next boot`);
  }
}

/** A setting that Docker changed itself stays: with its rules in the kernel Docker needs forwarding. */
async function restoreSysctls(
  { exec, files, say }: Session,
  record: SetupRecord | undefined,
  left: string[],
): Promise<void> {
  await files.remove(sysctlPath);
  const dockerRuns = (await readUnits(exec, ['docker.service']).catch(() => undefined))?.get('docker.service')?.active;
  const now = await readSysctls(Object.keys(record?.sysctls ?? {}));
  for (const [name, value] of Object.entries(record?.sysctls ?? {})) {
    if (now[name] === value) continue;
    if (name === 'net.ipv4.ip_forward' && dockerRuns) {
      left.push(`${name}=${now[name]}: Docker needs it for its own containers`);
      continue;
    }
    await exec.run(['sysctl', '-q', '-w', `${name}=${value}`]);
    say(`set ${name} back to ${value}`);
  }
}

async function removeFiles(
  { exec, files, say }: Session,
  record: SetupRecord | undefined,
  left: string[],
): Promise<void> {
  for (const path of unitFiles(everyPart).keys()) await files.remove(path);
  for (const part of partsOf(everyPart)) {
    // The directories of dynamic users are below private/.
    await files.remove(`/var/cache/${cacheName(part)}`);
    await files.remove(`/var/cache/private/${cacheName(part)}`);
    if (await files.exists(`/etc/default/k8ts-${part}`)) left.push(`/etc/default/k8ts-${part}: it is yours`);
    const dropIns = `${unitDir}/${unitOf(part)}.d`;
    if (await files.exists(dropIns)) left.push(`${dropIns}: it is yours`);
  }
  await files.remove(configDir);
  await files.remove(stateDir);
  await files.remove(wrapperPath);
  await files.remove(pluginPath);
  await exec.run(['systemctl', 'daemon-reload']).catch(() => undefined);
  if (record?.installed) {
    await files.remove(programDir);
    say(`removed ${configDir}, ${stateDir}, ${programDir} and the units`);
  } else {
    if (await files.exists(programDir)) left.push(`${programDir}: neither init nor join put it there`);
    say(`removed ${configDir}, ${stateDir} and the units`);
  }
}

async function removeUsers({ exec, files }: Session): Promise<void> {
  await files.remove(usersPath);
  // A small Debian has no such directory before the set-up.
  await files.removeIfEmpty(dirname(usersPath));
  if (findProgram('userdel') === undefined) return;
  for (const name of Object.values(users)) await exec.run(['userdel', name]).catch(() => undefined);
}

const alwaysLeft = (record: SetupRecord | undefined): readonly string[] => [
  'Debian packages (Docker, iptables, ...): you or others may use them',
  'images that Docker has pulled: docker image prune -a removes those that nothing uses',
  ...(record?.desired.role === 'worker'
    ? [`the Node object in the cluster: kubectl delete node ${record.desired.nodeName}`]
    : []),
];
