// How large a box is drawn, in pixels: by its text and the number of its pods. Pure, since no text is measured.
import { type Box, plainKinds } from './boxes';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export const boxWidth = 190;
const headHeight = 46;
export const dotSize = 12;
export const dotGap = 4;
const padding = 10;
export const dotsInRow = Math.floor((boxWidth - 2 * padding + dotGap) / (dotSize + dotGap));
/** More pods than this are a number. */
export const maxDots = dotsInRow * 4;

export function sizeOf({ kind, pods }: Box): Size {
  if (plainKinds.has(kind)) return { width: boxWidth, height: headHeight };
  if (pods.length === 0) return { width: boxWidth, height: headHeight };
  const rows = Math.ceil(Math.min(pods.length, maxDots) / dotsInRow);
  return { width: boxWidth, height: headHeight + rows * (dotSize + dotGap) + 6 };
}

/** The corner of the dot in its box. */
export const dotAt = (index: number): { readonly x: number; readonly y: number } => ({
  x: padding + (index % dotsInRow) * (dotSize + dotGap),
  y: headHeight + Math.floor(index / dotsInRow) * (dotSize + dotGap),
});

/** As much of the text as fits; characters of East Asian scripts are twice as wide. */
export function fitted(text: string, pixels: number, fontSize = 13): string {
  const widthOf = (char: string) => (char.codePointAt(0)! > 0x2e7f ? fontSize : fontSize * 0.58);
  let width = 0;
  let shown = '';
  for (const char of text) {
    width += widthOf(char);
    if (width > pixels) return `${shown.slice(0, -1)}…`;
    shown += char;
  }
  return text;
}
