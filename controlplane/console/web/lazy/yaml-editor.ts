// The YAML editor: CodeMirror, loaded when an object is edited. It stands in a shadow root, because there CodeMirror uses constructed
// style sheets, which the page's policy allows; in the document itself it would insert style elements, which the policy forbids.
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { tags } from '@lezer/highlight';

export interface EditorOptions {
  readonly text: string;
  readonly label: string;
  /** CodeMirror's English words, and those of the reader's language. */
  readonly phrases: Readonly<Record<string, string>>;
  readonly onChange: (text: string) => void;
}

/** The colours are variables of the page, so they follow the theme. */
const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: '13px' },
  // The frame around the editor shows the focus.
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine': { backgroundColor: 'var(--hover)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'var(--selection)',
  },
  '.cm-panels': { backgroundColor: 'var(--back)', color: 'var(--text)', borderColor: 'var(--border)' },
  '.cm-panel.cm-search input, .cm-panel.cm-search button, .cm-panel.cm-search label': { fontSize: '13px' },
  '.cm-panel.cm-search [name=close]': { color: 'var(--text)', fontSize: '18px' },
  '.cm-textfield': { border: '1px solid var(--border)', backgroundColor: 'var(--surface)', color: 'var(--text)' },
  '.cm-button': {
    border: '1px solid var(--border)',
    borderRadius: '6px',
    backgroundColor: 'var(--surface)',
    backgroundImage: 'none',
    color: 'var(--text)',
  },
  '.cm-searchMatch, .cm-selectionMatch': { backgroundColor: 'var(--selection)' },
  '.cm-searchMatch.cm-searchMatch-selected': {
    outline: '1px solid var(--accent)',
    backgroundColor: 'var(--selection)',
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--yaml-key)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--yaml-text)' },
  { tag: tags.content, color: 'var(--yaml-value)' },
  { tag: [tags.comment, tags.lineComment], color: 'var(--muted)' },
]);

/**
 * What is typed over a selection. Chromium would keep the style of the old text in an inline style, which the page's policy forbids; so the
 * text is replaced here. Not while an input method composes: its words are the browser's.
 */
const typeOverSelection = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { inputType, data, isComposing } = event;
    if (inputType !== 'insertText' || data === null || isComposing || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true });
    return true;
  },
});

/** Tab indents, as in other editors; Escape and then Tab leaves the editor, so the keyboard is never caught. */
export function openEditor(place: HTMLElement, { text, label, phrases, onChange }: EditorOptions): () => void {
  const root = place.shadowRoot ?? place.attachShadow({ mode: 'open' });
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        highlightActiveLine(),
        highlightSelectionMatches(),
        bracketMatching(),
        indentUnit.of('  '),
        yaml(),
        theme,
        syntaxHighlighting(colours),
        typeOverSelection,
        EditorState.phrases.of(phrases),
        keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ 'aria-label': label }),
        EditorView.updateListener.of((update) => update.docChanged && onChange(update.state.doc.toString())),
      ],
    }),
  });
  // Reachable by keyboard, as every part that scrolls.
  view.scrollDOM.tabIndex = 0;
  view.focus();
  return () => view.destroy();
}
