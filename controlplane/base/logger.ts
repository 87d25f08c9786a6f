// One line per event: time, level, component, message, then key=value pairs. Lines go to stderr; journald or the
// supervisor keeps them.
import { describeError } from './errors';

export type Level = 'debug' | 'info' | 'warn' | 'error';
const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };

export interface Logger {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** The same sink with a longer component name: `kubelet` becomes `kubelet/pods`. */
  child(component: string): Logger;
}
/** Values are printed as JSON when they hold spaces or quotes; an Error is printed with its causes. */
export type Fields = Readonly<Record<string, unknown>>;

export interface LoggerOptions {
  readonly component: string;
  readonly level?: Level;
  readonly write?: (line: string) => void;
  readonly now?: () => number;
}

export function createLogger(options: LoggerOptions): Logger {
  const { component, level = 'info', write = (line) => process.stderr.write(line), now = Date.now } = options;
  const log = (at: Level, message: string, fields: Fields = {}) => {
    if (rank[at] < rank[level]) return;
    let line = `${new Date(now()).toISOString()} ${at.toUpperCase().padEnd(5)} ${component}: ${message}`;
    for (const [key, value] of Object.entries(fields)) line += ` ${key}=${formatValue(value)}`;
    write(`${line}\n`);
  };
  return {
    debug: (message, fields) => log('debug', message, fields),
    info: (message, fields) => log('info', message, fields),
    warn: (message, fields) => log('warn', message, fields),
    error: (message, fields) => log('error', message, fields),
    child: (name) => createLogger({ ...options, component: `${component}/${name}` }),
  };
}

function formatValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(describeError(value));
  // Only plain characters are printed without quotes: user names and paths may hold characters that move a terminal's cursor.
  if (typeof value === 'string') return /^[!#-<>-~]+$/.test(value) ? value : JSON.stringify(value);
  return JSON.stringify(value) ?? 'undefined';
}

/** A logger that drops everything, for tests. */
export const silentLogger: Logger = createLogger({ component: 'silent', write: () => {} });
