// The value of one variable in a file of variables, as an init container writes it for fileKeyRef. Pure. Source: KEP-3721: lines
// NAME='value', the value in single quotes and over several lines, comments behind #.

/** Undefined when the file does not name the variable. @throws Error with the line that is not in this format */
export function envFileValue(text: string, key: string): string | undefined {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.replace(/^[ \t]+/, '');
    if (line === '' || line.startsWith('#')) continue;
    const name = nameOf(line, i + 1);
    const rest = line.slice(name.length + 1);
    // As in a shell, a space behind the sign ends the value: it is empty.
    if (/^[ \t]/.test(rest)) {
      if (name === key) return '';
      continue;
    }
    if (!rest.startsWith("'")) throw invalid(i + 1, 'value must be enclosed in single quotes');
    const value = quoted(lines, i, rest.slice(1));
    if (name === key) return value.text;
    i = value.lastLine;
  }
  return undefined;
}

function nameOf(line: string, number: number): string {
  const at = line.indexOf('=');
  if (at < 0) throw invalid(number, "missing '='");
  const name = line.slice(0, at);
  if (name.trim() === '') throw invalid(number, 'empty variable name');
  if (/[ \t]$/.test(name)) throw invalid(number, "whitespace before '=' is not allowed");
  return name;
}

function quoted(
  lines: readonly string[],
  first: number,
  start: string,
): { readonly text: string; readonly lastLine: number } {
  const parts: string[] = [];
  for (let i = first; i < lines.length; i++) {
    const rest = i === first ? start : lines[i]!;
    const end = rest.indexOf("'");
    parts.push(end < 0 ? rest : rest.slice(0, end));
    if (end < 0) continue;
    const after = rest.slice(end + 1).replace(/^[ \t]+/, '');
    if (after !== '' && !after.startsWith('#')) throw invalid(i + 1, 'unexpected content after closing quote');
    return { text: parts.join('\n'), lastLine: i };
  }
  throw invalid(first + 1, 'unclosed single quote');
}

const invalid = (line: number, why: string): Error =>
  new Error(`invalid environment variable format at line ${line}: ${why}`);
