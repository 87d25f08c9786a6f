// A modal dialog: the browser's own, which keeps the focus inside, closes by Escape and gives the focus back.
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const isShown = useRef(true);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // The browser then gives the focus back. Its event comes later, when the answer may belong to another dialog.
    return () => {
      isShown.current = false;
      element?.close();
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby={id} onClose={() => isShown.current && onClose()}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
