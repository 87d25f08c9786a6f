// One table cut out of `nft list ruleset`. Pure.

/** The lines of a table, or undefined. nft indents everything inside a table, so a brace in the first column ends it. */
export function tableText(ruleset: string, family: string, name: string): string | undefined {
  const head = `table ${family} ${name} {\n`;
  const from = ruleset.startsWith(head) ? 0 : ruleset.indexOf(`\n${head}`) + 1;
  if (from === 0 && !ruleset.startsWith(head)) return undefined;
  const end = ruleset.indexOf('\n}', from);
  return ruleset.slice(from, end < 0 ? undefined : end + 3);
}
