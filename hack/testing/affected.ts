// Which test files a change affects: those that import the changed file, directly or through other files. Pure.

export interface Imports {
  /** From the root of the checkout. */
  readonly path: string;
  /** Paths from the root without extension, as an import statement leaves them. */
  readonly targets: readonly string[];
}

/** The tests, in their order, that import one of the changed files. A changed test file affects itself. */
export function affectedTests(
  files: readonly Imports[],
  tests: readonly string[],
  changed: ReadonlySet<string>,
): readonly string[] {
  const importers = new Map<string, string[]>();
  for (const { path, targets } of files) {
    for (const target of targets) {
      const list = importers.get(target);
      if (list) list.push(path);
      else importers.set(target, [path]);
    }
  }
  const reached = new Set(changed);
  for (const path of reached) {
    const name = path.replace(/\.ts$/, '');
    // An import of a folder means its index file.
    const names = name.endsWith('/index') ? [name, name.slice(0, -'/index'.length)] : [name];
    for (const importer of names.flatMap((each) => importers.get(each) ?? [])) reached.add(importer);
  }
  return tests.filter((test) => reached.has(test));
}
