// Every pattern of product code takes linear time on hostile texts: with a pattern that backtracks, a user could stop a process.
import t from 'tap';
import ts from 'typescript';
import { hostileStrings } from '../lib/hostile-strings';
import { isTest, readSources } from './sources';

/** Files whose patterns see no text from outside, or only short texts; with the origin of the text. */
const trusted: Readonly<Record<string, string>> = {
  'controlplane/process/options.ts': 'the command line',
  'agents/setup/observe.ts': 'files of the machine itself',
  'agents/kubelet/spec/hosts.ts': 'at most 63 characters',
  'agents/kubelet/spec/resolv-conf.ts': "lines of the node's own file",
};

/** Quadratic work takes about 30 ms at the last size, linear work less than 0.1 ms. */
const sizes = [200, 1_500, 6_000];
const maxCpuMs = 10;

interface Pattern {
  readonly path: string;
  readonly text: string;
}

const patterns: readonly Pattern[] = readSources()
  .filter(({ path }) => !path.startsWith('hack/') && !isTest(path) && !Object.hasOwn(trusted, path))
  .flatMap(({ path, text }) => {
    const found: Pattern[] = [];
    const visit = (node: ts.Node): void => {
      if (ts.isRegularExpressionLiteral(node)) found.push({ path, text: node.text });
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
    return found;
  });

/** The words of a pattern, which a hostile text repeats. */
const wordsOf = (text: string): string[] => [...new Set(text.match(/[\w-]{2,}/g) ?? [])];

function slow({ text }: Pattern): string | undefined {
  const end = text.lastIndexOf('/');
  const pattern = new RegExp(text.slice(1, end), text.slice(end + 1).replaceAll(/[gy]/g, ''));
  const words = wordsOf(text);
  const runs = words.length === 0 ? [] : [...words, `${words.join('a')}a`, `${words.join(' ')} x`];
  for (const size of sizes) {
    for (const hostile of hostileStrings(size, runs)) {
      const isSlow = () => cpuMs(() => pattern.test(hostile)) > maxCpuMs;
      if (isSlow() && isSlow() && isSlow()) return `${hostile.slice(0, 20)}...${hostile.slice(-5)}`;
    }
  }
  return undefined;
}

function cpuMs(run: () => void): number {
  const start = process.cpuUsage().user;
  run();
  return (process.cpuUsage().user - start) / 1_000;
}

t.test('patterns take linear time', async (t) => {
  t.ok(patterns.length > 100, `${patterns.length} patterns`);
  for (const pattern of patterns) {
    const hostile = slow(pattern);
    if (hostile !== undefined) t.fail(`${pattern.path}: ${pattern.text} is slow on ${JSON.stringify(hostile)}`);
  }
  t.type(slow({ path: '', text: '/[-.]+$/' }), 'string', 'a quadratic pattern is found');
});
