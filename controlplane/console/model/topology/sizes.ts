// How large a box is drawn, in pixels: by its text and the number of its pods. Pure, since no text is measured.
import { type Box, plainKinds } from './boxes';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A box is wider if its name needs it, up to a limit; what is still too long ends in an ellipsis. */
const boxWidth = 190;
const maxBoxWidth = 236;
/** The words of boxes without an object are of the page: none of them is cut. */
const plainWidth = 214;
/** What a box has in the line of its name: the icon, and a shield. */
export const besideName = 56;
const headHeight = 46;
export const dotSize = 12;
export const dotGap = 4;
const padding = 10;
export const dotsInRow = Math.floor((boxWidth - 2 * padding + dotGap) / (dotSize + dotGap));
/** More pods than this are a number. */
export const maxDots = dotsInRow * 4;

export function sizeOf({ kind, name, pods }: Pick<Box, 'kind' | 'name' | 'pods'>): Size {
  if (plainKinds.has(kind)) return { width: plainWidth, height: headHeight };
  const width = Math.round(Math.min(maxBoxWidth, Math.max(boxWidth, textWidth(name, bold) + besideName)));
  if (pods.length === 0) return { width, height: headHeight };
  const rows = Math.ceil(Math.min(pods.length, maxDots) / dotsInRow);
  return { width, height: headHeight + rows * (dotSize + dotGap) + 6 };
}

/** The corner of the dot in its box. */
export const dotAt = (index: number): { readonly x: number; readonly y: number } => ({
  x: padding + (index % dotsInRow) * (dotSize + dotGap),
  y: headHeight + Math.floor(index / dotsInRow) * (dotSize + dotGap),
});

export interface Font {
  readonly size: number;
  /** Of a mean letter, by the size: a wide font, since the reader's is not known. */
  readonly letter: number;
}
export const bold: Font = { size: 13, letter: 0.66 };
export const small: Font = { size: 11, letter: 0.58 };

/** Characters of East Asian scripts are as wide as high. */
const charWidth = (char: string, { size, letter }: Font): number =>
  char.codePointAt(0)! > 0x2e7f ? size : size * letter;

const textWidth = (text: string, font: Font): number =>
  Array.from(text).reduce((sum, char) => sum + charWidth(char, font), 0);

/** As much of the text as fits, with an ellipsis if that is not all. */
export function fitted(text: string, pixels: number, font: Font): string {
  if (textWidth(text, font) <= pixels) return text;
  let width = charWidth('…', font);
  let shown = '';
  for (const char of text) {
    width += charWidth(char, font);
    if (width > pixels) break;
    shown += char;
  }
  return `${shown}…`;
}
