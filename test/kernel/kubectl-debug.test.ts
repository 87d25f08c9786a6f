// `kubectl debug` through the API server and the kubelet's server to a container of real Docker.
import t from 'tap';
import { pods } from '../../controlplane/api';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { skipWithoutDocker } from '../lib/dockerd';
import { skippedWithoutKubectl } from '../lib/kubectl';
import { kubeletPod } from '../lib/kubelet';
import { startServedKubelet } from '../lib/kubelet-server';

t.setTimeout(240_000);
const exec = new SystemExec();

t.test('kubectl debug', { skip: skipWithoutDocker() }, async (t) => {
  if (await skippedWithoutKubectl(t, 30)) return;
  const { client, dockerd, kubeconfig, dir, kubectl } = await startServedKubelet(t);
  const { image } = dockerd;
  const app = { name: 'app', image, imagePullPolicy: 'Never', command: ['/bin/sleep', '1000'] };
  await kubectl(['wait', '--for=create', 'serviceaccount/default', '--timeout=100s']);
  const { metadata, ...pod } = kubeletPod('web', { automountServiceAccountToken: false, containers: [app] });
  await client.create(pods, { ...pod, metadata: { name: metadata?.name, namespace: 'default' } });
  await kubectl(['wait', '--for=condition=Ready', 'pod/web', '--timeout=100s']);

  /** The output of a session at a terminal, which `script` provides. At the end of a plain stdin kubectl would leave at once. */
  const debug = async (input: string, ...more: string[]) => {
    const session = [
      'debug',
      'web',
      `--image=${image}`,
      '--image-pull-policy=Never',
      '--profile=general',
      '-it',
      ...more,
    ];
    const command = ['kubectl', `--kubeconfig=${kubeconfig}`, `--cache-dir=${dir}/cache`, ...session].join(' ');
    const { stdout } = await exec.run(['script', '-qc', command, '/dev/null'], { input, timeoutMs: 120_000 });
    return stdout.replaceAll('\0', ' ');
  };
  const words = 'echo $((40+2))-in-$(hostname); cat /proc/1/cmdline; echo; exit 3\n';
  const joined = await debug(words, '--target=app', '-c', 'joined', '--', '/bin/sh');
  t.match(joined, /42-in-web/);
  t.match(joined, /\/bin\/sleep 1000/, 'it sees the processes of its target');
  t.match((await kubectl(['logs', 'web', '-c', 'joined'])).stdout, /42-in-web/);
  const exitCode = '{.status.ephemeralContainerStatuses[0].state.terminated.exitCode}';
  await kubectl(['wait', 'pod/web', `--for=jsonpath=${exitCode}=3`, '--timeout=100s']);
  const apart = await debug(words, '-c', 'apart', '--', '/bin/sh');
  t.match(apart, /42-in-web/);
  t.notMatch(apart, /sleep 1000/);
  t.match((await kubectl(['describe', 'pod', 'web'])).stdout, /Ephemeral Containers:\s+joined:[\s\S]*apart:/);
  t.match((await kubectl(['get', 'pod', 'web'])).stdout, /1\/1 +Running +0/);
});
