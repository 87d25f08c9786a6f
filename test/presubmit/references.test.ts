// Documents and comments name only files that exist, and no file imports itself through other files.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { filesBelow, type Import, parseSource, readSources, readText, root, type SourceFile } from './sources';

/** Names that are examples, outputs of a build, or files of other machines and projects. */
const elsewhere = new Set([
  'x.test.ts',
  'controlplane/api/widget.ts',
  'controlplane/controllers/widget/plan.ts',
  'controlplane/controllers/widget/controller.ts',
  // Of the OCI image specification.
  'image-layout.md',
]);

const folders = ['agents', 'controlplane', 'dataplane', 'hack', 'test'];
const extensions = ['.ts', '.md', '.mjs', '.sh', '.rb', '.json', '.yaml', '.cjs'];
const files: readonly string[] = [
  ...extensions.flatMap((extension) => folders.flatMap((folder) => filesBelow(folder, extension))),
  ...['README.md', 'CONTRIBUTING.md', 'DESIGN.md', 'CHANGELOG.md', 'package.json', 'tsconfig.json'],
];
const documents = files.filter((path) => path.endsWith('.md') && existsSync(join(root, path)));
/** A text may name `a/b/c.ts` as c.ts, b/c.ts or a/b/c.ts. */
const known = new Set(files.flatMap((path) => path.split('/').map((_, i, parts) => parts.slice(i).join('/'))));

/** Names of files in a text: of sources and documents, with or without folders. */
const namesIn = (text: string): readonly string[] =>
  [
    ...text.matchAll(
      /(?<![\w/.{}$*-])(?:\.{1,2}\/)*((?:[\w-]+\/)*[\w-]+(?:\.test|\.fixture)?\.(?:ts|md))\b(?![\w.-])/g,
    ),
  ].map(([, name]) => name!);
const unknownIn = (text: string): readonly string[] =>
  namesIn(text).filter((name) => !known.has(name) && !elsewhere.has(name));

const commentsOf = (text: string): string =>
  [...text.matchAll(/(?:^|\s)(\/\/.*|\/\*[\s\S]*?\*\/)/g)].map(([, comment]) => comment).join('\n');

t.test('every file that a document names exists', async (t) => {
  t.ok(documents.length > 50, 'documents were found');
  const wrong = documents.flatMap((path) => unknownIn(readText(path)).map((name) => `${path}: ${name}`));
  t.strictSame(wrong, []);
  t.strictSame(unknownIn('see `no/such-file.ts` and gone.md, not a.b.tsx'), ['no/such-file.ts', 'gone.md']);
});

t.test('commands in documents are run by a test, or the document says that they are not', async (t) => {
  // The end-to-end test runs the commands of the root README.
  const silent = documents
    .filter((path) => path !== 'README.md' && /^```(console|sh|bash)$/m.test(readText(path)))
    .filter((path) => !/not run by a test/.test(readText(path)));
  t.strictSame(silent, []);
});

t.test('every file that a comment names exists', async (t) => {
  const wrong = readSources()
    .filter(({ path }) => !path.startsWith('test/presubmit/') && !path.endsWith('.test.ts'))
    .flatMap(({ path, text }) => unknownIn(commentsOf(text)).map((name) => `${path}: ${name}`));
  t.strictSame(wrong, []);
});

t.test('the map in test/README.md names every file of test/lib', async (t) => {
  const rows = [
    ...readText('test/README.md')
      .split('## What is in lib')[1]!
      .matchAll(/^\| `([\w.-]+)` \| \S/gm),
  ].map(([, name]) => name!);
  const there = ['.ts', '.sh', '.rb']
    .flatMap((extension) => filesBelow('test/lib', extension))
    .map((path) => path.slice('test/lib/'.length))
    .filter((name) => !name.endsWith('.test.ts'));
  t.strictSame([...rows].sort(), [...there].sort());
});

/** Whether an import leaves something at run time: `import type` does not. */
const valueTargets = ({ text, imports }: SourceFile): readonly string[] => {
  const typeOnly = new Set(
    [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s+type\s[^;]*?from\s*['"]([^'"]+)['"]/g)].map(([, name]) => name!),
  );
  // A file that two statements import, one for types and one for values, counts as imported for values.
  const values = new Set(
    [...text.matchAll(/(?:^|\n)\s*(?:import|export)\s+(?!type\s)[^;'"]*?from\s*['"]([^'"]+)['"]/g)].map(
      ([, name]) => name!,
    ),
  );
  const isValue = ({ specifier }: Import) => !typeOnly.has(specifier) || values.has(specifier);
  return imports
    .filter((each) => each.target !== undefined && isValue(each))
    .map(({ target }) => target!.replace(/\.ts$/, ''));
};

/** The circles of imports, each as its sorted files: Tarjan's strongly connected components. */
function circles(sources: readonly SourceFile[]): readonly string[] {
  const graph = new Map(sources.map((source) => [source.path.replace(/\.ts$/, ''), valueTargets(source)]));
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[] = [];
  const visit = (node: string): void => {
    index.set(node, index.size);
    low.set(node, index.get(node)!);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node)!, low.get(next)!));
      } else if (stack.includes(next)) low.set(node, Math.min(low.get(node)!, index.get(next)!));
    }
    if (low.get(node) !== index.get(node)) return;
    const members = stack.splice(stack.indexOf(node));
    if (members.length > 1 || (graph.get(node) ?? []).includes(node)) found.push(members.sort().join(' '));
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found.sort();
}

t.test('files import each other only for types', async (t) => {
  t.strictSame(circles(readSources()), []);
  const a = parseSource('x/a.ts', "import { b } from './b';");
  t.strictSame(circles([a, parseSource('x/b.ts', "import { a } from './a';")]), ['x/a x/b']);
  t.strictSame(circles([a, parseSource('x/b.ts', "import type { A } from './a';")]), []);
});
