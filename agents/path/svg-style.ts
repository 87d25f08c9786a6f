// Colours and signs of the picture of a report. A state has a shape and a word as well as a colour, the two directions have lines of two
// kinds, so that nothing depends on colour alone. Colours: light and dark by what the reader's system prefers.
import type { HopState } from '../../controlplane/base/hops';

export const sizes = { text: 13, small: 12, title: 17, head: 13 } as const;

export const stateWords: Readonly<Record<HopState, string>> = {
  passes: 'passes',
  stops: 'STOPS',
  doubtful: 'in doubt',
  unknown: 'unknown',
};

/** Each sign fills a square of 16 by 16. A circle with a tick, an octagon with a cross, a triangle, a diamond. */
export const signs: Readonly<Record<HopState, string>> = {
  passes: '<circle cx="8" cy="8" r="7"/><path class="mark" d="M4.5 8.3l2.4 2.4 4.6-5"/>',
  stops: '<path d="M5 1h6l4 4v6l-4 4h-6l-4-4v-6z"/><path class="mark" d="M5.3 5.3l5.4 5.4m0-5.4l-5.4 5.4"/>',
  doubtful: '<path d="M8 1l7.4 13.6h-14.8z"/><path class="mark" d="M8 6v4m0 2.2v.3"/>',
  unknown:
    '<path d="M8 .5l7.5 7.5-7.5 7.5-7.5-7.5z"/><path class="mark" d="M6.2 6.4c0-2.6 3.6-2.4 3.6-.2 0 1.4-1.8 1.4-1.8 3m0 2.2v.3"/>',
};

interface Palette {
  readonly page: string;
  readonly card: string;
  readonly edge: string;
  readonly text: string;
  readonly quiet: string;
  readonly request: string;
  readonly answer: string;
  readonly states: Readonly<Record<HopState, string>>;
  readonly tints: Readonly<Record<HopState, string>>;
  /** On a sign. */
  readonly mark: string;
}

const light: Palette = {
  page: '#ffffff',
  card: '#f6f8fa',
  edge: '#d0d7de',
  text: '#1f2328',
  quiet: '#59636e',
  request: '#0b5cad',
  answer: '#7a3fa0',
  states: { passes: '#1a7f50', stops: '#c4262e', doubtful: '#9a6200', unknown: '#59636e' },
  tints: { passes: '#e6f4ec', stops: '#fdeaea', doubtful: '#fdf3dc', unknown: '#eceff2' },
  mark: '#ffffff',
};
const dark: Palette = {
  page: '#0d1117',
  card: '#161b22',
  edge: '#3d444d',
  text: '#e6edf3',
  quiet: '#9ea7b3',
  request: '#6cb6ff',
  answer: '#d2a8ff',
  states: { passes: '#4cc38a', stops: '#ff7b72', doubtful: '#e3b341', unknown: '#9ea7b3' },
  tints: { passes: '#12261e', stops: '#341a1d', doubtful: '#2e2411', unknown: '#21262d' },
  mark: '#0d1117',
};

const rules = ({ page, card, edge, text, quiet, request, answer, states, tints, mark }: Palette): string =>
  [
    `.page{fill:${page}}.card{fill:${card};stroke:${edge}}.lane{stroke:${edge}}.end{fill:${page};stroke:${text}}`,
    `text{fill:${text}}.quiet{fill:${quiet}}.nat{fill:${request}}`,
    `.request{stroke:${request}}.answer{stroke:${answer}}.to-request{fill:${request}}.to-answer{fill:${answer}}`,
    ...(Object.keys(states) as HopState[]).map(
      (state) => `.${state}{fill:${states[state]}}.box-${state}{fill:${tints[state]};stroke:${states[state]}}`,
    ),
    `.mark{stroke:${mark}}`,
  ].join('');

export const style = `<style>text{font-family:ui-sans-serif,system-ui,"DejaVu Sans",Arial,sans-serif;font-size:${sizes.text}px}
.mono{font-family:ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;font-size:${sizes.small}px}
.small{font-size:${sizes.small}px}.title{font-size:${sizes.title}px}.bold{font-weight:600}
.mark{fill:none;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}.lane{stroke-dasharray:2 5;fill:none}
.way{fill:none;stroke-width:2.5}.answer{stroke-dasharray:7 4}
${rules(light)}
@media (prefers-color-scheme:dark){${rules(dark)}}</style>`;
