import t from 'tap';
import { type OptionTable, parseOptions } from '../../controlplane/process/options';
import { serverOptions } from '../../controlplane/server/options';
import { keepSnapshots } from '../../test/lib/snapshots';
import { options as balancerOptions } from '../balancer/options';
import { options as dnsOptions } from '../dns/options';
import { options as ingressOptions } from '../ingress/options';
import { options as proxyOptions } from '../kube-proxy/options';
import { kubeletOptions } from '../kubelet/options';
import { envFiles, partArguments, renderEnv } from './arguments';
import { type Desired, defaults } from './desired';
import { configDir, daemonJsonPath, type Part, partsOf, target, unitDir, unitOf, versionPath } from './layout';
import { describeStep, type Observed, ownFiles, planSteps, type SetupInput, type Step } from './steps';
import { enabledUnits, unitFiles } from './units';

keepSnapshots(t, __filename);

const control: Desired = {
  role: 'control',
  nodeName: 'control',
  nodeIp: '192.168.56.10',
  server: 'https://192.168.56.10:6443',
  cluster: { ...defaults, registry: '192.168.56.10:5000' },
  loadBalancerPool: '192.168.56.240-192.168.56.250',
  nodeLabels: '',
  resolvConf: '/run/systemd/resolve/resolv.conf',
};
/** The same with its objects in etcd. */
const withEtcd: Desired = {
  ...control,
  cluster: { ...control.cluster, balancer: 'yes' },
  etcd: { initialCluster: 'control=https://192.168.56.10:2380', state: 'new' },
};
const worker: Desired = {
  ...control,
  role: 'worker',
  nodeName: 'worker-1',
  nodeIp: '192.168.56.11',
  loadBalancerPool: '',
};
const sysctls = { 'net.ipv4.ip_forward': '1' };
const inputFor = (desired: Desired, change: Partial<SetupInput> = {}): SetupInput => ({
  desired,
  daemonJson: '{}\n',
  sysctls,
  program: { dir: '/mnt/package', version: '1 abc' },
  start: true,
  ...change,
});
const bare: Observed = {
  files: new Map(),
  directories: new Map(),
  units: new Map(),
  enabled: new Set(),
  users: new Set(),
  installedVersion: undefined,
  sysctls: { 'net.ipv4.ip_forward': '0' },
  docker: { enabled: true, active: true, settled: false },
};

/** The machine after one step, as the executor leaves it; `now` in seconds. */
function after(state: Observed, step: Step, now: number): Observed {
  const units = (names: readonly string[]) =>
    new Map([...state.units, ...names.map((name) => [name, { active: true, since: now, stale: false }] as const)]);
  switch (step.action) {
    case 'install':
      return {
        ...state,
        installedVersion: step.version,
        files: new Map([...state.files, [versionPath, { text: step.version, mode: 0o644, mtime: now }]]),
      };
    case 'make-directory':
      return { ...state, directories: new Map([...state.directories, [step.path, { mode: step.mode }]]) };
    case 'write': {
      const { path, text, mode } = step;
      const files = new Map([...state.files, [path, { text, mode, mtime: now }]]);
      const stale = [...state.units].map(
        ([name, unit]) => [name, path.endsWith(`/${name}`) ? { ...unit, stale: true } : unit] as const,
      );
      return { ...state, files, units: new Map(stale) };
    }
    case 'make-users':
      return { ...state, users: new Set([...state.users, ...step.names]) };
    case 'apply-sysctls':
      return { ...state, sysctls };
    case 'enable':
      return {
        ...state,
        enabled: new Set([...state.enabled, ...step.units]),
        docker: { ...state.docker, enabled: state.docker.enabled || step.units.includes('docker.service') },
      };
    case 'reload-units':
      return { ...state, units: new Map([...state.units].map(([name, unit]) => [name, { ...unit, stale: false }])) };
    case 'start-docker':
    case 'reload-docker':
      return { ...state, docker: { ...state.docker, active: true, settled: true } };
    case 'start':
    case 'restart':
      return { ...state, units: units([step.unit]) };
  }
}

const allSteps = (input: SetupInput, state: Observed): readonly Step[] => {
  const { prepare, start } = planSteps(input, state);
  return [...prepare, ...start.map(({ step }) => step)];
};
function settle(input: SetupInput, from: Observed, now = 1000): Observed {
  return allSteps(input, from).reduce((state, step) => after(state, step, now), from);
}

t.test('the files of a node, as text', async (t) => {
  for (const desired of [control, worker]) {
    const files = [...ownFiles(desired, sysctls)];
    const text = files.map(([path, { text, mode }]) => `--- ${path} 0${mode.toString(8)}\n${text}`).join('');
    t.matchSnapshot(text, desired.role);
    for (const [path, { mode, text }] of files) {
      t.equal(mode & 0o022, 0, `${path} is not for others to write`);
      t.notMatch(text, /undefined/, path);
    }
  }
});

t.test('each process takes the options it is given', async (t) => {
  const tables: Readonly<Record<Exclude<Part, 'registry' | 'etcd'>, OptionTable>> = {
    server: serverOptions,
    balancer: balancerOptions,
    kubelet: kubeletOptions,
    'kube-proxy': proxyOptions,
    dns: dnsOptions,
    ingress: ingressOptions,
  };
  const odd: Desired = {
    ...control,
    nodeLabels: 'a=b,c=d',
    loadBalancerPool: '',
    cluster: { ...control.cluster, overlay: 'vxlan' },
  };
  for (const desired of [control, worker, odd, withEtcd]) {
    for (const part of partsOf(desired)) {
      if (part === 'registry' || part === 'etcd') continue;
      const args = partArguments(part, desired);
      t.doesNotThrow(() => parseOptions(tables[part], args, {}), `${desired.role} ${part}: ${args.join(' ')}`);
    }
  }
  t.match(parseOptions(kubeletOptions, partArguments('kubelet', odd), {}).options, {
    nodeLabels: { a: 'b', c: 'd' },
    overlay: 'vxlan',
    resolvConf: '/run/systemd/resolve/resolv.conf',
  });
});

t.test('a control machine with etcd', async (t) => {
  t.strictSame(
    partsOf(withEtcd).filter((part) => !partsOf(control).includes(part)),
    ['etcd', 'balancer'],
  );
  const files = ownFiles(withEtcd, sysctls);
  const text = [unitOf('etcd'), unitOf('balancer')].map((unit) => files.get(`${unitDir}/${unit}`)!.text).join('');
  t.matchSnapshot(
    `${text}${files.get('/etc/k8ts/etcd.env')!.text}${files.get('/etc/k8ts/balancer.env')!.text}`,
    'units and options',
  );
  t.ok(partArguments('server', withEtcd).includes('--store=etcd://127.0.0.1:2379'));
  t.ok(partArguments('server', withEtcd).includes('--node-name=control'), 'its name in leader election');
  const running = settle(inputFor(withEtcd), bare);
  t.strictSame(allSteps(inputFor(withEtcd), running), [], 'nothing the second time');
  const further: Desired = { ...withEtcd, registryElsewhere: true };
  t.notOk(partsOf(further).includes('registry'));
  t.notOk([...ownFiles(further, sysctls).keys()].some((path) => path.includes('registry')));
});

t.test('an environment file has only values that systemd passes on unchanged', async (t) => {
  t.match(renderEnv(['--a=1', '--b=x,y']), /^K8TS_ARGS="--a=1 --b=x,y"$/m);
  for (const bad of ['--a=b c', '--a="', "--a='", '--a=\\', '--a=$HOME', '--a=%h', '--a=`id`']) {
    t.throws(() => renderEnv([bad]), { code: 'BadRequest' }, bad);
  }
  t.equal(envFiles(control).size, 5);
});

t.test('an empty machine gets every step, each after the steps that it needs', async (t) => {
  const steps = allSteps(inputFor(control), bare);
  const index = (what: (step: Step) => boolean) => steps.findIndex(what);
  const last = (action: Step['action']) => steps.findLastIndex((step) => step.action === action);
  t.equal(
    index((step) => step.action === 'install'),
    0,
  );
  t.ok(index((step) => step.action === 'make-directory') < index((step) => step.action === 'write'));
  t.ok(last('write') < index((step) => step.action === 'make-users'), 'users are described in a file');
  t.ok(last('write') < index((step) => step.action === 'reload-units'));
  t.ok(last('write') < index((step) => step.action === 'reload-docker'));
  t.ok(index((step) => step.action === 'reload-units') < index((step) => step.action === 'start'));
  const started = steps.flatMap((step) => (step.action === 'start' ? [step.unit] : []));
  t.strictSame(started, [...partsOf(control).map(unitOf), target]);
  for (const step of steps) t.ok(describeStep(step).length > 10, describeStep(step));
});

t.test('a second run does nothing', async (t) => {
  for (const desired of [control, worker]) {
    t.strictSame(allSteps(inputFor(desired), settle(inputFor(desired), bare)), [], desired.role);
  }
});

t.test('a run that ends after any step is completed by the next one', async (t) => {
  const changed: Desired = {
    ...control,
    cluster: { ...control.cluster, overlay: 'vxlan', registry: '192.168.56.10:5055' },
  };
  const running = settle(inputFor(control), bare, 1000);
  for (const [from, desired] of [
    [bare, control],
    [running, changed],
  ] as const) {
    const program = { dir: '/mnt/package', version: desired === changed ? '2 def' : '1 abc' };
    const input = inputFor(desired, { program, daemonJson: desired === changed ? '{"a":1}\n' : '{}\n' });
    const from_ = desired === changed ? { ...from, docker: { ...from.docker, settled: false } } : from;
    const steps = allSteps(input, from_);
    for (let done = 0; done <= steps.length; done++) {
      const halfway = steps.slice(0, done).reduce((state, step) => after(state, step, 2000), from_);
      const whole = settle(input, halfway, 3000);
      t.strictSame(allSteps(input, whole), [], `nothing is left after ${done} steps and another run`);
      for (const part of ['registry', 'kubelet'] as const) {
        const since = whole.units.get(unitOf(part))!.since!;
        const inputs = [
          `${unitDir}/${unitOf(part)}`,
          `${configDir}/${part === 'registry' ? 'registry.yml' : 'kubelet.env'}`,
          versionPath,
        ];
        for (const path of inputs) t.ok(whole.files.get(path)!.mtime <= since, `${part} has read ${path} (${done})`);
      }
    }
  }
});

t.test('only processes with changed files are restarted', async (t) => {
  const running = settle(inputFor(control), bare);
  const restarts = (input: SetupInput, state: Observed) =>
    allSteps(input, state).flatMap((step) => (step.action === 'restart' ? [step.unit] : []));
  const changed = { ...control, cluster: { ...control.cluster, overlay: 'vxlan' } };
  t.strictSame(restarts(inputFor(changed), running), ['k8ts-kubelet.service']);
  t.strictSame(restarts(inputFor({ ...control, loadBalancerPool: '' }), running), ['k8ts-server.service']);
  const newer = inputFor(control, { program: { dir: '/mnt/package', version: '2 def' } });
  t.strictSame(restarts(newer, running), partsOf(control).map(unitOf), 'a new program: all');
  const stopped = {
    ...running,
    units: new Map([...running.units, [unitOf('dns'), { active: false, since: undefined, stale: false }]]),
  };
  t.strictSame(allSteps(inputFor(control), stopped), [{ action: 'start', unit: 'k8ts-dns.service' }]);
});

t.test('Docker is reloaded, not restarted; its file keeps its mode', async (t) => {
  const running = settle(inputFor(worker), bare);
  const private_ = new Map([...running.files, [daemonJsonPath, { text: '{}\n', mode: 0o600, mtime: 1 }]]);
  const steps = allSteps(inputFor(worker, { daemonJson: '{"b":2}\n' }), { ...running, files: private_ });
  t.match(steps, [{ action: 'write', path: daemonJsonPath, mode: 0o600, isNew: false }, { action: 'reload-docker' }]);
  const off = { ...running, docker: { enabled: false, active: false, settled: false } };
  t.strictSame(allSteps(inputFor(worker), off), [
    { action: 'start-docker' },
    { action: 'enable', units: ['docker.service'] },
  ]);
});

t.test('an image of a machine: everything is written and enabled, nothing started', async (t) => {
  const steps = allSteps(inputFor(control, { start: false }), bare);
  const actions = new Set(steps.map(({ action }) => action));
  t.strictSame([...actions], ['install', 'make-directory', 'write', 'make-users', 'enable']);
  t.match(steps.at(-1), { action: 'enable', units: [...enabledUnits(control)] });
});

t.test('each unit has only its rights', async (t) => {
  const files = unitFiles(control);
  const unit = (part: Part) => files.get(`${unitDir}/${unitOf(part)}`)!;
  for (const part of partsOf(control)) {
    t.match(unit(part), /^Restart=always$/m, part);
    t.match(unit(part), /^StartLimitIntervalSec=0$/m, part);
    t.match(unit(part), /^After=network-online\.target/m, part);
    t.match(unit(part), /^NoNewPrivileges=yes$/m, part);
    t.match(unit(part), /^WantedBy=k8ts\.target$/m, part);
  }
  for (const part of ['kubelet', 'kube-proxy'] as const) t.match(unit(part), /^After=.* docker\.service/m);
  for (const part of ['server', 'registry', 'dns', 'ingress'] as const) {
    t.match(unit(part), new RegExp(`^User=k8ts-${part}$`, 'm'), part);
  }
  for (const part of ['dns', 'ingress'] as const) {
    t.match(unit(part), /^CapabilityBoundingSet=CAP_NET_BIND_SERVICE$/m, part);
  }
  t.notMatch(unit('kubelet'), /^(Protect|Private|ReadOnly)/m, 'its mounts must be seen by Docker');
});
