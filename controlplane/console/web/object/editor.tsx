// The place of the editor in a view; the editor itself is loaded when it is shown.
import { useEffect, useRef, useState } from 'preact/hooks';
import { messageOf } from '../../model/api-error';
import { useTexts } from '../app/context';
import { Loading, Notice } from '../parts/notice';

interface Props {
  /** At the beginning. */
  readonly text: string;
  readonly label: string;
  readonly onChange: (text: string) => void;
}

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
        close = openEditor(place.current, { text, label, onChange });
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
