// $(NAME) references in commands, arguments and environment values. Source: the Kubernetes API reference of
// Container.command: $$ stands for one $, an unknown name stays as it is. A name reaches to the first closing bracket, so
// a reference inside a reference is an unknown name. Linear in the text and in the result, which is bounded: three characters may stand for
// a whole variable.
import { ConfigError } from './container';

/** In characters. The kernel takes no more bytes for the arguments and the environment of a process: three quarters of 8 MiB (execve(2)). */
export const maxEnvironmentLength = 6 * 1024 * 1024;

/** Counts the text of an environment, or of arguments, while it is put together. */
export class TextLimit {
  private length = 0;

  /** @throws ConfigError beyond maxEnvironmentLength */
  add(text: string): void {
    this.length += text.length;
    if (this.length > maxEnvironmentLength) throw tooLong();
  }
}

const tooLong = (): ConfigError =>
  new ConfigError(`arguments or environment are longer than the kernel allows (${maxEnvironmentLength} bytes)`);

/** @throws ConfigError when the result is longer than maxEnvironmentLength */
export function expand(text: string, variables: Pick<ReadonlyMap<string, string>, 'get'>): string {
  let expanded = '';
  let copied = 0;
  for (let dollar = text.indexOf('$'); dollar >= 0; dollar = text.indexOf('$', copied)) {
    expanded += text.slice(copied, dollar);
    const next = text[dollar + 1];
    const end = next === '(' ? text.indexOf(')', dollar) : -1;
    // No closing bracket follows, so the rest has no reference.
    if (next === '(' && end < 0) return expanded + text.slice(dollar).replaceAll('$$', '$');
    if (next === '(') expanded += variables.get(text.slice(dollar + 2, end)) ?? text.slice(dollar, end + 1);
    else expanded += next === '$' ? '$' : text.slice(dollar, dollar + 2);
    copied = next === '(' ? end + 1 : dollar + 2;
    if (expanded.length > maxEnvironmentLength) throw tooLong();
  }
  return expanded + text.slice(copied);
}

/** Names in the text's references that have no value, or an empty one. Sorted, without repeats. */
export function missingNames(text: string, variables: ReadonlyMap<string, string>): string[] {
  const missing = new Set<string>();
  const note = (name: string) => {
    if (!variables.get(name)) missing.add(name);
    return undefined;
  };
  expand(text, { get: note });
  return [...missing].sort();
}
