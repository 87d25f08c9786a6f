// Small controls that several views use.
import { useRef, useState } from 'preact/hooks';
import type { Tone } from '../../model/tones';
import { useTexts } from '../app/context';

interface ActionProps {
  readonly label: string;
  readonly onClick: () => void;
  /** Why the user may not use it. The button stays reachable by keyboard, so that everyone can learn the reason. */
  readonly refusal?: string | undefined;
  readonly kind?: 'primary' | 'danger' | 'plain';
}

export function ActionButton({ label, onClick, refusal, kind = 'plain' }: ActionProps) {
  return (
    <button
      type="button"
      class={`button ${kind}`}
      aria-disabled={refusal !== undefined}
      title={refusal}
      onClick={() => refusal === undefined && onClick()}
    >
      {label}
      {refusal !== undefined && <span class="hidden-text"> ({refusal})</span>}
    </button>
  );
}

/** A word with the colour of its meaning. */
export function Toned({ tone, text }: { readonly tone: Tone; readonly text: string }) {
  return tone === 'none' ? text : <span class={`tone ${tone}`}>{text}</span>;
}

/** How long the button says that it is done. */
const copiedMs = 2_000;

/** A text that the reader copies by one click. */
export function Copyable({ text }: { readonly text: string }) {
  const t = useTexts();
  const code = useRef<HTMLElement>(null);
  const [isCopied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // The browser forbids it: the text is selected, for the reader to copy.
      if (code.current) getSelection()?.selectAllChildren(code.current);
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), copiedMs);
  };
  return (
    <span class="copyable">
      <code ref={code}>{text}</code>
      <button type="button" class="button small" onClick={() => void copy()}>
        {isCopied ? t('copied') : t('copy')}
      </button>
    </span>
  );
}
