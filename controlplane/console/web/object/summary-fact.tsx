// One line of a summary: a name and what it is.
import type { ComponentChildren } from 'preact';

export function Fact({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
