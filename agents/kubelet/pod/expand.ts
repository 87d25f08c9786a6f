// $(NAME) references in commands, arguments and environment values. Source: the Kubernetes API reference of
// Container.command: $$ stands for one $, an unknown name is left as it stands.

export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (match, what: string, name: string | undefined) => {
    if (what === '$') return '$';
    return variables.get(name ?? '') ?? match;
  });
}
