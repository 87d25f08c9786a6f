// The text of a log as a page can show it. Pure.

/** ESC [ ... letter: colours and cursor moves of terminals. ESC ] ... BEL or ESC \: links and titles. Source: ECMA-48, 5.4 and 5.6. */
const esc = String.fromCharCode(27);
const bel = String.fromCharCode(7);
const ansi = new RegExp(`${esc}(?:\\[[0-9;?]*[A-Za-z]|\\][^${bel}${esc}]*(?:${bel}|${esc}\\\\))`, 'g');
/** They turn the order of what stands after them: a line could look like another one. */
const bidi = /[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g;

/** Without colours of terminals, and with characters that change the direction of writing as escapes. */
export const plainText = (text: string): string =>
  text.replace(ansi, '').replace(bidi, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
