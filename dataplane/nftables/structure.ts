// Cuts one table out of `nft list ruleset`, and splits it into its parts. Pure.

/** The lines of a table, or undefined. nft indents everything inside a table, so a brace in the first column ends it. */
export function tableText(ruleset: string, family: string, name: string): string | undefined {
  const head = `table ${family} ${name} {\n`;
  const from = ruleset.startsWith(head) ? 0 : ruleset.indexOf(`\n${head}`) + 1;
  if (from === 0 && !ruleset.startsWith(head)) return undefined;
  const end = ruleset.indexOf('\n}', from);
  return ruleset.slice(from, end < 0 ? undefined : end + 3);
}

/**
 * `chain services`, `map endpoints`, … → its lines without the first and the last. Compare them without order: nft prints parts
 * in order of creation.
 */
export function tableParts(table: string): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  for (const [, what, body] of table.matchAll(/^\t((?:chain|set|map) \S+) \{\n((?:\t\t.*\n)*)\t\}$/gm)) {
    parts.set(what!, body!);
  }
  return parts;
}
