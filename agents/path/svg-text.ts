// Text in an SVG: escaped, and cut or wrapped to a width that is estimated, because nothing here can measure a font. Pure.

/** Of a character, in parts of the font's size: that of the fonts in svg-style.ts, rounded up. */
const narrow = 0.61;
/** East Asian characters and pictures fill a square. */
const wide = 1.05;
const firstWide = 0x1100;

export const widthOf = (text: string, size: number): number => {
  let width = 0;
  for (const char of text) width += char.codePointAt(0)! >= firstWide ? wide : narrow;
  return width * size;
};

/**
 * For text and for attributes in double quotes. Characters that XML does not have, and those that turn the direction of writing and so
 * could make a name look like another one, become U+FFFD.
 */
export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[^\P{Cc}\t\n\r]|[\p{Bidi_Control}\ufffe\uffff]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');

/** With `…` in place of what does not fit. */
export function cut(text: string, width: number, size: number): string {
  // One line: a line break would be a blank in SVG.
  const flat = text.replaceAll('\n', ' ');
  if (widthOf(flat, size) <= width) return flat;
  // The sign for what is missing is wide.
  let room = width - wide * size;
  let kept = '';
  for (const char of flat) {
    room -= widthOf(char, size);
    if (room < 0) break;
    kept += char;
  }
  return `${kept.trimEnd()}…`;
}

/** At blanks; words longer than a line are cut into pieces. At most `maxLines`, the last one cut. */
export function wrap(text: string, width: number, size: number, maxLines: number): string[] {
  const lines: string[] = [];
  let line = '';
  const words = text.split(/\s+/).filter((word) => word !== '');
  for (const [i, word] of words.entries()) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer, size) <= width) {
      line = longer;
      continue;
    }
    if (lines.length === maxLines - 1) return [...lines, cut([line, ...words.slice(i)].join(' ').trim(), width, size)];
    if (line !== '') lines.push(line);
    line = word;
    while (widthOf(line, size) > width) {
      if (lines.length === maxLines - 1) return [...lines, cut([line, ...words.slice(i + 1)].join(' '), width, size)];
      const head = headOf(line, width, size);
      lines.push(head);
      line = line.slice(head.length);
    }
  }
  return line === '' ? lines : [...lines, line];
}

/** As many characters as fit, at least one. */
function headOf(text: string, width: number, size: number): string {
  let head = '';
  for (const char of text) {
    if (head !== '' && widthOf(head + char, size) > width) break;
    head += char;
  }
  return head;
}
