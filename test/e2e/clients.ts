// Everyday work with kubectl, once with the kubectl of the machine and once with the distribution's old kubectl.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type t from 'tap';
import { startProgram } from '../../dataplane/exec/system-exec';
import { type Cluster, kubectls, output, run, until } from './cluster';

type Test = typeof t;

const manifest = (namespace: string, greeting: string) => `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: greeting, namespace: ${namespace} }
data: { text: ${greeting} }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${namespace} }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata:
      labels: { app: web }
      annotations: { greeting: ${greeting} }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: web
          image: busybox:1.35
          command: [sh, -c, 'trap "exit 0" TERM; echo "$TEXT"; while :; do sleep 1; done']
          env: [{ name: TEXT, valueFrom: { configMapKeyRef: { name: greeting, key: text } } }]
`;

export function clientTests(t: Test, cluster: Cluster): void {
  kubectls().forEach(({ label, path }, i) => {
    t.test(label, async (t) => {
      const namespace = `e2e-client-${i}`;
      const env = cluster.env;
      const kubectl = (...args: readonly string[]) => output([path, ...args], { env });
      const inNamespace = (...args: readonly string[]) => kubectl('-n', namespace, ...args);
      const apply = (text: string) => output([path, 'apply', '-f', '-'], { env, input: text });
      t.teardown(() => run([path, 'delete', 'namespace', namespace, '--ignore-not-found', '--timeout=60s'], { env }));

      await t.test('apply creates, finds unchanged, configures', async (t) => {
        const made = await apply(manifest(namespace, 'hello'));
        t.match(made, `namespace/${namespace} created`);
        t.match(made, 'deployment.apps/web created');
        t.match(await apply(manifest(namespace, 'hello')), 'deployment.apps/web unchanged');
        await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
        t.match(await apply(manifest(namespace, 'again')), 'deployment.apps/web configured');
        t.match(await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s'), 'successfully rolled out');
      });

      await t.test('rollout history, undo and restart', async (t) => {
        t.match(await inNamespace('rollout', 'history', 'deployment/web'), /^1 .*\n2 /m);
        t.match(await inNamespace('rollout', 'undo', 'deployment/web'), 'rolled back');
        await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
        t.equal(
          await inNamespace(
            'get',
            'deployment',
            'web',
            '-o',
            'jsonpath={.spec.template.metadata.annotations.greeting}',
          ),
          'hello',
        );
        t.match(await inNamespace('rollout', 'restart', 'deployment/web'), 'restarted');
        await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
      });

      await t.test('get as wide, yaml, json and name; describe', async (t) => {
        t.match(await inNamespace('get', 'pods', '-o', 'wide'), /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE /);
        t.match(await inNamespace('get', 'deployment', 'web'), /^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +2\/2 /);
        t.match(
          await inNamespace('get', 'deployment', 'web', '-o', 'yaml'),
          /^apiVersion: apps\/v1\nkind: Deployment\n/,
        );
        t.equal(JSON.parse(await inNamespace('get', 'configmap', 'greeting', '-o', 'json')).data.text, 'again');
        t.match(await inNamespace('get', 'pods', '-o', 'name'), /^pod\/web-/);
        const described = await inNamespace('describe', 'deployment', 'web');
        t.match(described, /^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available/m);
        t.match(described, /ScalingReplicaSet/);
        t.match(await inNamespace('describe', 'pods'), /^ {2}Normal +Started .*Container started$/m);
        t.match(await kubectl('describe', 'node', 'worker-1'), /^Allocated resources:/m);
      });

      await t.test('edit and scale', async (t) => {
        const edited = await output([path, '-n', namespace, 'edit', 'deployment', 'web'], {
          env: { ...env, KUBE_EDITOR: 'sed -i s/replicas:.2/replicas:\\ 3/' },
        });
        t.match(edited, 'deployment.apps/web edited');
        await inNamespace('rollout', 'status', 'deployment/web', '--timeout=60s');
        t.equal(await inNamespace('get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}'), '3');
        t.match(await inNamespace('scale', 'deployment', 'web', '--replicas=1'), 'deployment.apps/web scaled');
        await until(
          'one pod remains',
          async () => (await inNamespace('get', 'pods', '-o', 'name')).trim().split('\n').length === 1,
        );
      });

      await t.test('logs, logs -f, exec, exec -it', async (t) => {
        t.match(await inNamespace('logs', 'deployment/web'), /^(hello|again)\n/);
        const pod = (await inNamespace('get', 'pods', '-o', 'name')).trim();
        const followed = await run(['timeout', '-s', 'INT', '3', path, '-n', namespace, 'logs', '-f', pod], { env });
        t.not(followed.code, 1, 'kubectl followed the log until it was interrupted');
        t.equal(await inNamespace('exec', pod, '--', 'echo', 'from inside'), 'from inside\n');
        const piped = await output([path, '-n', namespace, 'exec', '-i', pod, '--', 'cat'], {
          env,
          input: 'through and back\n',
        });
        t.equal(piped, 'through and back\n');
        const failed = await run([path, '-n', namespace, 'exec', pod, '--', 'sh', '-c', 'exit 7'], { env });
        t.equal(failed.code, 7, 'kubectl ends with the exit status of the command');
        // script(1) gives kubectl a terminal.
        const terminal = await output(
          ['script', '-qec', `${path} -n ${namespace} exec -it ${pod} -- sh -c 'tty; stty size'`, '/dev/null'],
          { env },
        );
        t.match(terminal, /\/dev\/(pts\/\d+|console)/);
      });

      await t.test('get -w prints a change as it happens', async (t) => {
        const file = join(mkdtempSync(join(tmpdir(), 'k8ts-e2e-')), 'watch');
        t.teardown(() => rmSync(join(file, '..'), { recursive: true }));
        const argv = [
          'sh',
          '-c',
          `exec ${path} -n ${namespace} get configmap greeting -w -o jsonpath='{.data.text}{"\\n"}' > ${file}`,
        ];
        const watch = await startProgram(argv, { env });
        t.teardown(async () => {
          watch.kill('SIGKILL');
          await watch.exited;
        });
        const text = () => readFileSync(file, 'utf8');
        await until('the watch has begun', async () => text().includes('again'));
        await inNamespace('patch', 'configmap', 'greeting', '-p', '{"data":{"text":"watched"}}');
        await until('the change is printed', async () => text().includes('watched'));
        t.match(text(), /again\nwatched\n/);
      });

      await t.test('explain, api-resources, api-versions, version', async (t) => {
        t.match(await kubectl('explain', 'deployment.spec.replicas'), /Number of desired pods/);
        t.match(await kubectl('explain', 'pod.spec.containers'), /FIELDS:/);
        const resources = await kubectl('api-resources');
        for (const line of [
          /^pods +po +v1 +true +Pod/m,
          /^deployments +deploy +apps\/v1 +true +Deployment/m,
          /^nodes +no +v1 +false +Node/m,
        ]) {
          t.match(resources, line);
        }
        t.match(await kubectl('api-versions'), /^networking\.k8s\.io\/v1$/m);
        t.match(await kubectl('version', '-o', 'json'), /"gitVersion": "v1\.36\.\d+\+k8ts\.\d+"/);
      });

      await t.test('port-forward carries a request', async (t) => {
        const dir = mkdtempSync(join(tmpdir(), 'k8ts-e2e-'));
        t.teardown(() => rmSync(dir, { recursive: true }));
        const out = join(dir, 'out');
        const forward = await startProgram(
          ['sh', '-c', `exec ${path} -n codereview port-forward deployment/codereviewapi :8080 > ${out} 2>&1`],
          { env },
        );
        t.teardown(async () => {
          forward.kill('SIGKILL');
          await forward.exited;
        });
        const port = await until(
          'it listens',
          async () => /127\.0\.0\.1:(\d+) ->/.exec(readFileSync(out, 'utf8'))?.[1],
        );
        t.match(
          await output(['curl', '-sS', '--max-time', '10', '--noproxy', '*', `http://127.0.0.1:${port}/healthz`]),
          'ok',
        );
      });

      await t.test('wrong input is refused with the usual messages', async (t) => {
        const missing = await run([path, '-n', namespace, 'get', 'pod', 'nothing'], { env });
        t.equal(missing.stderr.trim(), 'Error from server (NotFound): pods "nothing" not found');
        const invalid = await run([path, '-n', namespace, 'scale', 'deployment', 'web', '--replicas=-1'], { env });
        t.not(invalid.code, 0);
      });

      await t.test('delete waits until the object is removed', async (t) => {
        t.match(await inNamespace('delete', 'deployment', 'web', '--timeout=60s'), 'deployment.apps "web" deleted');
        t.match(await kubectl('delete', 'namespace', namespace, '--timeout=60s'), `namespace "${namespace}" deleted`);
        t.not((await run([path, 'get', 'namespace', namespace], { env })).code, 0);
      });
    });
  });
}
