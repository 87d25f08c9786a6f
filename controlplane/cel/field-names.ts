// Names of fields in expressions: a name that CEL cannot read is escaped. Source: "Field names" in Kubernetes' CEL documentation.

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return'.split(' '),
);

/** foo-bar is foo__dash__bar in an expression, and namespace is __namespace__. */
export function escapeField(name: string): string {
  if (reserved.has(name)) return `__${name}__`;
  return name
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

/** Whether an expression can read the field at all. */
export const isReadable = (name: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(escapeField(name));
