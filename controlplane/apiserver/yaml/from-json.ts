// Answers in YAML for clients that request it: the JSON answer with its keys sorted, as upstream does.
import { dump } from 'js-yaml';

export function jsonToYaml(json: string): string {
  const value: unknown = JSON.parse(json);
  return dump(value, { sortKeys: true, lineWidth: -1, noRefs: true });
}
