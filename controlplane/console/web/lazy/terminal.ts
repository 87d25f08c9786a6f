// The terminal: xterm.js, loaded when it is opened, and the WebSocket behind it.
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { ExecSession } from '../api/exec';
import { adoptStyles } from './adopted-styles';

export interface TerminalOptions {
  /** Of exec, with its query. */
  readonly path: string;
  readonly token: string;
  readonly label: string;
  readonly onOpen: () => void;
  /** '' when the shell ended well. */
  readonly onEnd: (message: string) => void;
}

const scrollback = 5_000;
/** A drag of the window's edge changes the size many times. */
const fitMs = 100;

/** Shows the terminal in the element. Returns what closes both. */
export function openTerminal(place: HTMLElement, options: TerminalOptions): () => void {
  adoptStyles();
  const colours = getComputedStyle(document.documentElement);
  const colour = (name: string) => colours.getPropertyValue(name).trim();
  const terminal = new Terminal({
    scrollback,
    cursorBlink: true,
    fontSize: 13,
    fontFamily: colour('--mono'),
    // The screen reader's copy of the screen.
    screenReaderMode: true,
    theme: {
      background: colour('--terminal'),
      foreground: colour('--terminal-text'),
      cursor: colour('--terminal-text'),
    },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  place.replaceChildren();
  terminal.open(place);
  terminal.textarea?.setAttribute('aria-label', options.label);
  // The way out for the keyboard: all other keys belong to the shell.
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.key !== 'Escape' || !event.ctrlKey || !event.shiftKey) return true;
    terminal.blur();
    return false;
  });
  const session = new ExecSession(options.path, options.token, {
    onOpen: () => {
      options.onOpen();
      fit.fit();
      session.resize(terminal.cols, terminal.rows);
      terminal.focus();
    },
    onOutput: (bytes) => terminal.write(bytes),
    onEnd: options.onEnd,
  });
  terminal.onData((text) => session.send(text));
  terminal.onResize(({ cols, rows }) => session.resize(cols, rows));
  let timer: ReturnType<typeof setTimeout> | undefined;
  const observer = new ResizeObserver(() => {
    clearTimeout(timer);
    // Behind another tab it has no size, and keeps that of its shell.
    timer = setTimeout(() => place.clientWidth > 0 && fit.fit(), fitMs);
  });
  observer.observe(place);
  return () => {
    clearTimeout(timer);
    observer.disconnect();
    session.close();
    terminal.dispose();
  };
}
