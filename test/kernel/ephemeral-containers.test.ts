// Ephemeral containers with real Docker: what `kubectl debug` needs of a node.
import { PassThrough } from 'node:stream';
import t from 'tap';
import { DockerRuntime } from '../../agents/kubelet/runtime/docker';
import { PodLookup } from '../../agents/kubelet/server/pod-lookup';
import { streamingHandlers } from '../../agents/kubelet/server/streaming-handlers';
import { type Pod, pods } from '../../controlplane/api';
import { Scope } from '../../controlplane/base/scope';
import { skipWithoutDocker, startDockerd } from '../lib/dockerd';
import { assignPodCidr, isReady, kubeletPod, startKubelet } from '../lib/kubelet';
import { MemoryClient } from '../lib/memory-client';

// Docker is slow on a busy machine; no assertion here depends on time.
t.setTimeout(240_000);

t.test('ephemeral containers', { skip: skipWithoutDocker() }, async (t) => {
  const scope = new Scope();
  t.teardown(() => scope.close());
  const dockerd = await startDockerd(scope);
  const client = new MemoryClient();
  let running = await startKubelet(client, dockerd);
  scope.defer(() => running.stop());
  await assignPodCidr(client);
  const runtime = new DockerRuntime(dockerd.host);
  const lookup = () => new PodLookup(running.kubelet.pods, running.kubelet.records);
  const until = (test: (object: Pod | undefined) => boolean) => client.until<Pod>(pods, 'default/web', test);
  const statusOf = (object: Pod | undefined, name: string) =>
    object?.status?.ephemeralContainerStatuses?.find((each) => each.name === name);
  const runs = (name: string) => until((object) => statusOf(object, name)?.state?.running !== undefined);
  const shell = { image: dockerd.image, imagePullPolicy: 'Never', command: ['/bin/sh'], stdin: true, tty: true };
  const debuggers = [
    { ...shell, name: 'joined', targetContainerName: 'app' },
    { ...shell, name: 'apart' },
  ];
  const debug = (count: number) =>
    client.patch<Pod>(pods, 'default/web', 'merge', { spec: { ephemeralContainers: debuggers.slice(0, count) } });

  /** Writes lines to the terminal of a container, and resolves to its output when the shell or the client has ended. */
  async function type(container: string, text: string, seen?: RegExp): Promise<string> {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const left = new AbortController();
    let output = '';
    stdout.on('data', (data: Buffer) => {
      output += data.toString().replaceAll('\0', ' ');
      if (seen?.test(output)) left.abort(new Error('seen'));
    });
    const { attach } = streamingHandlers(runtime, lookup());
    const target = { namespace: 'default', pod: 'web', container };
    const request = { ...target, stdin: true, stdout: true, stderr: false, tty: true };
    stdin.write(text);
    await attach(request, { stdin, stdout, stderr: undefined, onResize: () => {}, signal: left.signal }).catch(
      (error: unknown) => {
        if (!left.signal.aborted) throw error;
      },
    );
    return output;
  }

  const app = { name: 'app', image: dockerd.image, imagePullPolicy: 'Never', command: ['/bin/sleep', '1000'] };
  await client.create(pods, kubeletPod('web', { containers: [app] }));
  await until(isReady);

  await t.test('one with a target sees its processes, and a terminal can be attached', async (t) => {
    await debug(1);
    t.match(statusOf(await runs('joined'), 'joined'), { ready: false, restartCount: 0, image: dockerd.image });
    t.match(await type('joined', 'cat /proc/1/cmdline; echo\n', /sleep 1000/), /sleep 1000/);
  });

  await t.test('one without a target has processes of its own, in the network of the pod', async (t) => {
    await debug(2);
    const pod = await runs('apart');
    t.match(await type('apart', 'cat /proc/1/cmdline; cat /etc/hosts\n', /\tweb/), /\/bin\/sh/);
    const ids = pod!.status!.ephemeralContainerStatuses!.map(({ containerID = '' }) => containerID.slice(9));
    const modes = await Promise.all(
      ids.map((id) => dockerd.docker('inspect', '-f', '{{.HostConfig.PidMode}} {{.HostConfig.NetworkMode}}', id)),
    );
    const sandboxId = lookup().sandbox('default', 'web').id;
    const appId = lookup().running('default', 'web', 'app').id;
    t.same(modes, [`container:${appId} container:${sandboxId}\n`, ` container:${sandboxId}\n`]);
  });

  await t.test('a restarted kubelet changes neither, and the end of one is final', async (t) => {
    const before = await runs('joined');
    await running.stop();
    running = await startKubelet(client, dockerd);
    // The new kubelet has seen the pod when exec finds its container.
    await client.create(pods, kubeletPod('second', { containers: [app] }));
    await client.until<Pod>(pods, 'default/second', isReady);
    await type('joined', 'echo last-words; exit 3\n');
    const after = await until((object) => statusOf(object, 'joined')?.state?.terminated !== undefined);
    t.match(statusOf(after, 'joined'), {
      containerID: statusOf(before, 'joined')?.containerID,
      restartCount: 0,
      state: { terminated: { exitCode: 3, reason: 'Error' } },
    });
    t.equal(statusOf(after, 'apart')?.containerID, statusOf(before, 'apart')?.containerID);
    t.ok(statusOf(after, 'apart')?.state?.running);
    t.ok(isReady(after), 'the pod does not depend on them');
    const { id } = lookup().forLogs('default', 'web', 'joined', false);
    let log = '';
    for await (const { data } of runtime.logs(id, {})) log += data.toString();
    t.match(log, /last-words/);
  });

  await t.test('a deleted pod leaves none', async (t) => {
    await client.delete(pods, 'default/web');
    await until((object) => object === undefined);
    t.notMatch(await dockerd.docker('ps', '-aq', '--filter', 'label=io.kubernetes.pod.name=web'), /\w/);
  });
});
