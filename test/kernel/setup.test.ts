// Two complete machines with systemd and Docker become a control machine and a worker, and return to their first state afterwards.
// The user's own containers and settings keep working all the time.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { OciLayout } from '../../agents/setup/images/oci-layout';
import { makePackage } from '../../hack/packaging/package';
import { skipWithoutMachines, type TestMachine, withMachines } from '../lib/machine';

const root = join(__dirname, '..', '..');
const built = existsSync(join(root, 'dist/k8ts.js'));
if (!built && process.env['REQUIRE_KERNEL'] === '1') throw new Error('dist/k8ts.js is not there: run hack/build.ts');
const skip = built ? skipWithoutMachines() : 'dist/k8ts.js is not there';

const controlIp = '192.168.240.10';
const workerIp = '192.168.240.11';
/** A Docker user's state: settings, and a container with a published port. */
const userSettings = '{ "log-opts": { "max-size": "5m" }, "registry-mirrors": ["https://mirror.invalid"] }\n';
const userPort = 8099;

// The machines boot completely, which is slow on a busy host.
t.setTimeout(900_000);

t.test('from plain machines to a cluster, and back', { skip, timeout: 900_000 }, async (t) => {
  const shared = await makePackage();
  const layer = await layerOf(shared, 'k8ts/codereviewapi');
  await withMachines(shared, async (lab) => {
    const control = await lab.machine('control', controlIp);
    const worker = await lab.machine('worker-1', workerIp);
    for (const machine of [control, worker]) {
      await useDocker(machine, layer);
      // If this folder exists, journald keeps the log of a boot over a reboot.
      await machine.sh('mkdir -p /var/log/journal; systemctl restart systemd-journald; journalctl --flush');
    }
    const before = { control: await fingerprint(control), worker: await fingerprint(worker) };
    const kubectl = (line: string) => control.sh(`KUBECONFIG=/etc/k8ts/admin.conf kubectl ${line}`);
    const curl = (machine: TestMachine, url: string) =>
      // After a reboot a node may use the earlier address of a pod for a moment, which is unreachable and not refused.
      machine.sh(`curl -sS -m 10 --retry 5 --retry-all-errors ${url}`);

    await t.test('init', async (t) => {
      const first = await control.sh('/shared/k8ts init');
      t.match(first, /Node control is Ready; the API is at https:\/\/192\.168\.240\.10:6443/);
      t.match(first, /DIR\/k8ts join 192\.168\.240\.10:6443 --token=\S+ --ca-cert-hash=sha256:/);
      t.match(await control.sh('k8ts init'), /^Nothing has changed\.$/m);
      t.match(await control.sh('/shared/k8ts init --images=/shared/images'), /^Nothing has changed\.$/m);
      t.equal(await control.sh('stat -c %a:%U /etc/k8ts/admin.conf'), '600:root\n');
      t.equal(await control.sh('stat -c %a:%U /var/lib/k8ts/server/pki/ca.key'), '600:k8ts-server\n');
      const pushed = control.sh(
        'curl -sS -m 10 -o /dev/null -w %{http_code} -X POST http://192.168.240.10:5000/v2/k8ts/pause/blobs/uploads/',
      );
      t.equal(await pushed, '405', 'only init writes to the registry');
    });

    const join_ = (await control.sh('k8ts token create --print-join-command')).trim();
    await t.test('join', async (t) => {
      t.match(await worker.sh(`/shared/${join_}`), /Node worker-1 of https:\/\/192\.168\.240\.10:6443 is Ready/);
      t.match(await worker.sh(join_), /^Nothing has changed\.$/m);
      t.match(await worker.sh('k8ts join'), /^Nothing has changed\.$/m, 'k8ts join without arguments changes nothing');
    });

    await t.test('units', async (t) => {
      for (const machine of [control, worker]) {
        const { stdout, stderr } = await machine.run(
          'bash',
          '-c',
          'systemd-analyze verify $(find /etc/systemd/system -maxdepth 1 -name "k8ts*" -type f ! -name "*@*")',
        );
        t.equal(stdout + stderr, '', `systemd-analyze verify on ${machine.name}`);
        t.equal(await machine.sh('systemctl list-units --failed --no-legend'), '');
      }
      const owner = async (part: string) =>
        (await control.sh(`ps -o user:20= -p $(systemctl show -p MainPID --value k8ts-${part})`)).trim();
      for (const part of ['server', 'registry', 'dns', 'ingress']) t.equal(await owner(part), `k8ts-${part}`);
      for (const part of ['kubelet', 'kube-proxy']) t.equal(await owner(part), 'root');
      t.equal(await worker.sh('stat -c %a:%U /etc/k8ts/dns.conf'), '600:k8ts-dns\n');
    });

    await t.test('a process that hangs prints its stack, and is started again', async (t) => {
      const dropIn = '/run/systemd/system/k8ts-dns.service.d';
      await worker.sh(`mkdir -p ${dropIn}; printf '[Service]\nWatchdogSec=5\n' > ${dropIn}/soon.conf`);
      await worker.sh('systemctl daemon-reload; systemctl restart k8ts-dns');
      const pid = (await worker.sh('systemctl show -p MainPID --value k8ts-dns')).trim();
      // Before that time, SIGUSR1 and SIGINT still end the process.
      await worker.sh(`until journalctl -u k8ts-dns _PID=${pid} | grep -q listening; do sleep 0.2; done`);
      // The test blocks the process through its debugger, since no known input blocks it.
      await worker.sh(`kill -USR1 ${pid}`);
      const block = `fetch('http://127.0.0.1:9229/json').then((answer) => answer.json()).then(([{ webSocketDebuggerUrl }]) => {
        const socket = new WebSocket(webSocketDebuggerUrl);
        const expression = '(function spinForEver() { for (;;); })()';
        socket.onopen = () => socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
        socket.onclose = () => process.exit();
      })`;
      const node = 'LD_LIBRARY_PATH=/usr/local/lib/k8ts/lib /usr/local/lib/k8ts/bin/node';
      // The debugger ends when the blocked process does.
      await worker.sh(`until ${node} -e "${block}"; do sleep 0.2; done`);
      await worker.sh(`until [ "$(systemctl show -p MainPID --value k8ts-dns)" -gt 0 ]; do sleep 0.2; done`);
      t.not((await worker.sh('systemctl show -p MainPID --value k8ts-dns')).trim(), pid);
      const journal = await worker.sh(`journalctl -u k8ts-dns --no-pager`);
      t.match(journal, /interrupted by `SIGINT`[\s\S]*at spinForEver/);
      await worker.sh(`rm -r ${dropIn}; systemctl daemon-reload; systemctl restart k8ts-dns`);
    });

    await t.test('refusals change nothing', async (t) => {
      const refused = async (machine: TestMachine, line: string, why: RegExp) => {
        const before = await machine.sh(
          'find /etc /usr/local/lib/k8ts /var/lib/k8ts/setup.json -newer /run/k8ts-mark -type f',
        );
        t.equal(before, '');
        const { stdout } = await machine.run('bash', '-c', `${line} 2>&1; echo "status $?"`);
        t.match(stdout, why, line);
        t.match(stdout, /status 1\n$/);
        t.equal(
          await machine.sh('find /etc /usr/local/lib/k8ts /var/lib/k8ts/setup.json -newer /run/k8ts-mark -type f'),
          '',
        );
      };
      for (const machine of [control, worker]) await machine.sh('touch /run/k8ts-mark');
      await refused(control, 'k8ts init --node-name=other', /called control, not other.*certificates/);
      await refused(
        worker,
        `k8ts join ${controlIp} --ca-cert-hash=sha256:${'a'.repeat(64)}`,
        /belongs to a cluster whose authority/,
      );
      await refused(worker, 'k8ts init', /a worker of .*, not the control machine/);
      await refused(control, join_, /this machine is the control machine/);
    });

    const reach = async (t: Test) => {
      const port = await kubectl('get service web -o jsonpath={.spec.ports[0].nodePort}');
      for (const ip of [controlIp, workerIp]) {
        for (const machine of [control, worker]) {
          t.match(await curl(machine, `http://${ip}:${port}/`), /"pod": "web-/, `${machine.name} to ${ip}:${port}`);
          t.match(
            await curl(machine, `http://${ip}:${userPort}/`),
            /"pod"/,
            `${machine.name} to Docker's ${ip}:${userPort}`,
          );
        }
      }
      const balanced = await kubectl('get service balanced -o jsonpath={.status.loadBalancer.ingress[0].ip}');
      t.match(balanced, /^192\.168\.240\.24\d$/, 'an address of the pool');
      for (const machine of [control, worker]) {
        t.match(await curl(machine, `http://${balanced}/`), /"pod"/, `${machine.name} to the load balancer`);
      }
      const pods = (await kubectl('get pods -l app=web -o jsonpath={.items[*].status.podIP}')).trim().split(' ');
      t.equal(new Set(pods.map((ip) => ip.split('.')[2])).size, 2, `pods on both nodes: ${pods}`);
      for (const ip of pods)
        t.match(await kubectl(`exec toolbox -- curl -sS -m 10 http://${ip}:8080/`), /"pod"/, `toolbox to ${ip}`);
      t.match(
        await kubectl('exec toolbox -- curl -sS -m 10 http://web.default.svc.cluster.local/'),
        /"pod"/,
        'by name',
      );
    };

    await t.test('pods next to containers', async (t) => {
      await kubectl('create deployment web --image=k8ts/codereviewapi:1.0 --replicas=4');
      await kubectl('expose deployment web --port=80 --target-port=8080 --type=NodePort');
      await kubectl('expose deployment web --name=balanced --port=80 --target-port=8080 --type=LoadBalancer');
      await kubectl('run toolbox --image=k8ts/toolbox:1.0');
      await kubectl('rollout status deployment/web --timeout=180s');
      await kubectl('wait --for=condition=Ready pod/toolbox --timeout=180s');
      await reach(t);
      for (const machine of [control, worker]) {
        t.equal(
          await machine.sh('docker inspect -f {{.RestartCount}}-{{.State.Running}} own'),
          '0-true\n',
          'never stopped',
        );
      }
    });

    await t.test('after a reboot of both', async (t) => {
      await worker.reboot();
      await control.reboot();
      for (const machine of [control, worker]) await machine.sh('docker start own');
      await until(
        control,
        'KUBECONFIG=/etc/k8ts/admin.conf kubectl wait --for=condition=Ready node --all --timeout=10s',
      );
      await until(
        control,
        '[ "$(KUBECONFIG=/etc/k8ts/admin.conf kubectl get pods --no-headers | grep -c " 1/1 *Running *[1-9]")" = 5 ]',
      );
      const exits = await kubectl(
        'get pods -o jsonpath={.items[*].status.containerStatuses[0].lastState.terminated.exitCode}',
      );
      t.match(exits, /^(\d+ ){4}\d+$/);
      const stops: Record<string, string> = {};
      for (const machine of [control, worker]) {
        const lines =
          "journalctl -u k8ts-kubelet -u docker -o short-precise --no-pager | grep -v 'level=info' | tail -n 60";
        stops[machine.name] = exits.includes('255') ? await machine.sh(lines) : '';
      }
      t.notMatch(exits, /255/, `containers were ended, not left to the end of the machine: ${exits}`, { stops });
      await reach(t);
      t.match(await control.sh('k8ts init'), /^Nothing has changed\.$/m);
      t.match(await worker.sh('k8ts join'), /^Nothing has changed\.$/m);
    });

    await t.test('reset', async (t) => {
      t.match(await worker.sh('k8ts reset'), /This removes node worker-1 .*\nTo do it: k8ts reset --yes/);
      t.match(await worker.sh('systemctl is-active k8ts-kubelet'), /^active/, 'reset without --yes changes nothing');
      for (const machine of [worker, control]) {
        t.match(await machine.sh('k8ts reset --yes'), /Left as they are:/);
        const after = await fingerprint(machine);
        for (const [aspect, text] of Object.entries(before[machine === control ? 'control' : 'worker'])) {
          t.equal(after[aspect], text, `${machine.name}: ${aspect} as before`);
        }
        t.match(await curl(worker, `http://${machine.ip}:${userPort}/`), /"pod"/, 'and Docker still works');
        t.match(await machine.sh('/shared/k8ts reset --yes'), /Left as they are:/, 'a second reset changes nothing');
      }
    });
  });
});

/** A layer of an image that came with the package, as a path in the machines. */
async function layerOf(packageDir: string, repository: string): Promise<string> {
  const layout = new OciLayout(join(packageDir, 'images'));
  const image = (await layout.images()).find((one) => one.repository === repository)!;
  const { blobs } = await layout.contents(image.manifest);
  return `/shared/images/blobs/${blobs.at(-1)!.digest.replace(':', '/')}`;
}

async function useDocker(machine: TestMachine, layer: string): Promise<void> {
  await machine.sh(
    `mkdir -p /etc/docker; cat > /etc/docker/daemon.json <<'END'\n${userSettings}END\nsystemctl reload docker`,
  );
  await machine.sh(`docker import ${layer} own:1`);
  await machine.sh(`docker run -d --name own -p ${userPort}:8080 own:1 /usr/bin/perl /srv/codereviewapi.pl`);
}

/** The state of a machine, by aspect; without values that change all the time. */
async function fingerprint(machine: TestMachine): Promise<Readonly<Record<string, string>>> {
  const aspects: Readonly<Record<string, string>> = {
    'rules of iptables': "iptables-save | grep -v '^#' | sed 's/ *\\[.*\\]$//'",
    'rules of ip6tables': "ip6tables-save | grep -v '^#' | sed 's/ *\\[.*\\]$//'",
    'tables of nftables': 'nft list tables | sort',
    links: 'ip -br link | sed "s/[@ ].*//" | grep -v ^veth | sort',
    routes: 'ip route | sort',
    units: 'find /etc/systemd/system | sort',
    'settings of Docker': 'cat /etc/docker/daemon.json',
    'kernel settings': 'sysctl net.ipv4.conf.all.send_redirects; ls /etc/sysctl.d',
    files: 'find /usr/local /etc /var/lib -maxdepth 1 | sort',
    users: 'cut -d: -f1 /etc/passwd',
    containers: 'docker ps -a --format "{{.Names}}"',
    mounts: "findmnt -rno TARGET | grep -v '/docker/\\|^/run/\\|^/proc' | sort",
  };
  const found: Record<string, string> = {};
  for (const [aspect, line] of Object.entries(aspects)) found[aspect] = await machine.sh(`${line} || true`);
  return found;
}

/** Waits until the shell line succeeds; the limit only turns a hang into a failure. */
const until = (machine: TestMachine, line: string): Promise<string> =>
  machine.sh(`for i in $(seq 600); do if ${line} >/dev/null 2>&1; then exit 0; fi; sleep 0.3; done; exit 1`);
