// The README's tour, run as written: every line after a $ must succeed.
import type t from 'tap';
import { type Cluster, readme, run } from './cluster';

type Test = typeof t;

/** Commands of the ```console blocks below the heading of the tour. */
export function tourCommands(text: string): readonly string[] {
  const tour = text.split(/^## .*tour.*$/im)[1]?.split(/^## /m)[0] ?? '';
  const blocks = [...tour.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map((match) => match[1]!);
  return blocks.flatMap((block) =>
    block
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line.startsWith('$ '))
      .map((line) => line.slice(2).trim()),
  );
}

export function tourTests(t: Test, cluster: Cluster): void {
  t.test('every command of the tour works', async (t) => {
    const commands = tourCommands(readme());
    t.ok(commands.length >= 15, `${commands.length} commands`);
    const prefix = cluster.plan.subnet.split('.').slice(0, 3).join('.');
    for (const command of commands) {
      // The other tests run the scripts themselves.
      if (command.startsWith('hack/')) continue;
      const here = command
        .replaceAll('192.168.57.', `${prefix}.`)
        .replaceAll('/run/netns/k8ts-', `/run/netns/${cluster.plan.context}-`)
        // Another cluster of this host may own the name.
        .replace('http://codereview.local/', `--resolve codereview.local:80:${prefix}.10 http://codereview.local/`)
        // The test has no terminal, so it omits the option -t.
        .replace(/^(kubectl .*exec) -it /, '$1 -i ');
      const { code, stderr } = await run(['bash', '-o', 'pipefail', '-c', here], { env: cluster.env });
      t.equal(code, 0, `${command}${code === 0 ? '' : `: ${stderr}`}`);
    }
  });
}
