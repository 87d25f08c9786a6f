// The life of one process: options, logger, signals, exit status. A subcommand is a table of options and a run function.
import { BadRequest, describeError } from '../base/errors';
import { eventLoop } from '../base/event-loop';
import { createLogger, type Level, type Logger } from '../base/logger';
import { type OptionTable, type Parsed, parseOneOf, parseOptions, renderOptions } from './options';
import { type OpenNotifySocket, startWatchdog } from './watchdog';

export interface Command<O extends OptionTable = OptionTable> {
  /** As typed after `k8ts`: kubelet. */
  readonly name: string;
  readonly summary: string;
  readonly options: O;
  /** Arguments with those that a file adds. @throws BadRequest */
  readonly expand?: (argv: readonly string[]) => readonly string[];
  /** More arguments, as --help shows them: HOST:PORT. Absent: an argument is an error. */
  readonly arguments?: string;
  /** More of --help, before the options: what the arguments mean, examples. Ends with a line break. */
  readonly notes?: string;
  /** True for a command that a person runs: it prints a failure as one message on standard error, without time and stack. */
  readonly tool?: boolean;
  /**
   * Runs until the signal is aborted (SIGTERM, SIGINT) or the work is done. Throwing ends the process with status 1; a command whose answer
   * is a status sets process.exitCode.
   */
  readonly run: (context: CommandContext<O>) => Promise<void>;
}
export interface CommandContext<O extends OptionTable> {
  readonly options: Parsed<O>;
  readonly positional: readonly string[];
  readonly log: Logger;
  readonly signal: AbortSignal;
}

export const defineCommand = <O extends OptionTable>(command: Command<O>): Command<O> => command;

const common = {
  logLevel: {
    flag: 'log-level',
    env: 'K8TS_LOG_LEVEL',
    placeholder: 'LEVEL',
    default: 'info',
    help: 'debug, info, warn or error',
    parse: parseOneOf('debug', 'info', 'warn', 'error'),
  },
} satisfies OptionTable;

/** Wrong options end with status 2, a failed run with 1; a second signal ends at once. */
export async function runCommand<O extends OptionTable>(
  command: Command<O>,
  argv: readonly string[],
  openNotifySocket: OpenNotifySocket,
): Promise<number> {
  const usage = `${command.arguments ? `${command.arguments} ` : ''}[options]`;
  if (argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(
      `${command.summary}\n\nusage: k8ts ${command.name} ${usage}\n\n${command.notes ? `${command.notes}\n` : ''}`,
    );
    process.stdout.write(renderOptions({ ...command.options, ...common }));
    return 0;
  }
  const abort = new AbortController();
  let parsed: ReturnType<typeof parseOptions<O & typeof common>>;
  try {
    const expanded = command.expand?.(argv) ?? argv;
    parsed = parseOptions({ ...command.options, ...common }, expanded, process.env);
    const [stray] = command.arguments === undefined ? parsed.positional : [];
    if (stray !== undefined) throw new BadRequest(`unexpected argument ${JSON.stringify(stray)}; see --help`);
  } catch (err) {
    process.stderr.write(`k8ts ${command.name}: ${describeError(err)}\n`);
    return 2;
  }
  const log = createLogger({ component: command.name, level: (parsed.options as { logLevel: Level }).logLevel });
  if (!command.tool) eventLoop.logTo(log);
  const watchdog = command.tool ? undefined : startWatchdog(process.env, openNotifySocket);
  for (const name of watchdog ? (['SIGTERM'] as const) : (['SIGTERM', 'SIGINT'] as const)) {
    process.on(name, () => {
      if (abort.signal.aborted) process.exit(1);
      log.info('stopping', { signal: name });
      abort.abort(new Error(`stopped by ${name}`));
    });
  }
  try {
    const { options, positional } = parsed;
    await command.run({ options: options as unknown as Parsed<O>, positional, log, signal: abort.signal });
    return Number(process.exitCode ?? 0);
  } catch (err) {
    // 130: the status that a shell gives to a program that Ctrl-C ended.
    if (abort.signal.aborted) return command.tool ? 130 : 0;
    if (command.tool) process.stderr.write(`k8ts ${command.name}: ${describeError(err)}\n`);
    else log.error('failed', { error: err, stack: err instanceof Error ? err.stack : undefined });
    return 1;
  } finally {
    watchdog?.close();
  }
}
