// Fragments of nft's language (nft(8)).

/** NFTNL_UDATA_COMMENT_MAXLEN, in bytes: nft refuses longer comments. */
export const maxComment = 128;

/** `comment "…"`. The language has no way to write a quote inside quotes, and a line end would end the command. */
export function comment(text: string): string {
  const safe = text.replace(/["\\\n]/g, "'").replace(/[^ -~]/g, '?');
  return `comment "${safe.slice(0, maxComment)}"`;
}

/** Elements per command: the cost of nft's parser grows with the length of one command, and an error names a line. */
export const elementsPerCommand = 500;

/** `add element ip k8ts services { a : b, … }`, in as many lines as needed. */
export function elementCommands(
  verb: 'add' | 'delete',
  table: string,
  set: string,
  elements: readonly string[],
): string {
  let text = '';
  for (let at = 0; at < elements.length; at += elementsPerCommand) {
    text += `${verb} element ${table} ${set} { ${elements.slice(at, at + elementsPerCommand).join(', ')} }\n`;
  }
  return text;
}
