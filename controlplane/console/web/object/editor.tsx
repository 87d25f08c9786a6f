// The place of the editor in a view; the editor itself is loaded when it is shown.
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../model/api-error';
import type { TextKey } from '../../texts/texts';
import { useTexts } from '../app/context';
import { Loading, Notice } from '../parts/notice';

interface Props {
  /** At the beginning. */
  readonly text: string;
  readonly label: string;
  readonly onChange: (text: string) => void;
}

/** Words of the editor's search, as CodeMirror names them. */
const phrases = {
  Find: 'searchFind',
  Replace: 'searchWith',
  next: 'searchNext',
  previous: 'searchPrevious',
  all: 'searchAll',
  'match case': 'searchCase',
  regexp: 'searchPattern',
  'by word': 'searchWords',
  replace: 'searchReplace',
  'replace all': 'searchReplaceAll',
  'replaced match on line $': 'searchReplaced',
  'replaced $ matches': 'searchReplacedAll',
  'current match': 'searchMatch',
  'on line': 'searchLine',
  'Go to line': 'searchGoTo',
  go: 'searchGo',
  close: 'close',
} as const satisfies Readonly<Record<string, TextKey>>;

export function Editor({ text, label, onChange }: Props) {
  const t = useTexts();
  const place = useRef<HTMLDivElement>(null);
  const [isLoaded, setLoaded] = useState(false);
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let close: (() => void) | undefined;
    let isOpen = true;
    import('../lazy/yaml-editor')
      .then(({ openEditor }) => {
        if (!isOpen || !place.current) return;
        const words = Object.fromEntries(Object.entries(phrases).map(([phrase, key]) => [phrase, t(key)]));
        close = openEditor(place.current, { text, label, phrases: words, onChange });
        setLoaded(true);
      })
      .catch((err: unknown) => setProblem(messageOf(err)));
    return () => {
      isOpen = false;
      close?.();
    };
  }, []);
  if (problem !== undefined) return <Notice title={t('failedTitle')} text={problem} />;
  return (
    <>
      {!isLoaded && <Loading />}
      <div ref={place} class="editor" />
    </>
  );
}
