// A message in place of what cannot be shown, and the word for something that is on its way.
import type { ComponentChildren } from 'preact';
import { messageOf, NoAnswerError } from '../../model/api-error';
import { type Translate, useTexts } from '../app/context';

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

/** What has failed, and may succeed in another try. */
export function Failed({ title, text, retry }: { title?: string; text: string; retry: () => void }) {
  const t = useTexts();
  return (
    <Notice title={title ?? t('failedTitle')} text={text}>
      <button type="button" class="button" onClick={retry}>
        {t('retry')}
      </button>
    </Notice>
  );
}

/** What is on its way; after a try without an answer it says so, while it is tried again. */
export function Waiting({ isSilent, retry }: { readonly isSilent: boolean; readonly retry: () => void }) {
  const t = useTexts();
  return isSilent ? <Failed title={t('noAnswerTitle')} text={t('noAnswerAgain')} retry={retry} /> : <Loading />;
}

/** The words for a failed request. */
export const problemOf = (t: Translate, err: unknown): string =>
  err instanceof NoAnswerError ? t('noAnswer', { seconds: err.afterMs / 1000 }) : messageOf(err);
