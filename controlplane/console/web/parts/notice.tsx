// A message in place of what cannot be shown, and the word for something that is on its way.
import type { ComponentChildren } from 'preact';
import { useTexts } from '../app/context';

interface Props {
  readonly title: string;
  readonly text: string;
  /** The server's own words. */
  readonly detail?: string;
  readonly children?: ComponentChildren;
}

export function Notice({ title, text, detail, children }: Props) {
  return (
    <div class="notice" role="alert">
      <h2>{title}</h2>
      <p>{text}</p>
      {detail && detail !== text && <pre class="detail">{detail}</pre>}
      {children}
    </div>
  );
}

export function Loading() {
  const t = useTexts();
  return (
    <p class="loading" role="status">
      {t('loading')}
    </p>
  );
}
