// `k8ts rules`: explains the rules of this node, for the person who looks at them.
import { text as readText } from 'node:stream/consumers';
import { AppError, BadRequest, NotFound } from '../../controlplane/base/errors';
import { type Parsed, parseOptions, parseText } from '../../controlplane/process/options';
import { defineCommand } from '../../controlplane/process/process';
import type { Exec } from '../../dataplane/exec/exec';
import { SystemExec } from '../../dataplane/exec/system-exec';
import { readListings } from '../../dataplane/hops/listings';
import { readFrame, readNetwork } from '../../dataplane/hops/network';
import { explainRule } from '../../dataplane/path/explain';
import { renderAnswer } from '../../dataplane/path/explain-text';
import { listedRules } from '../../dataplane/path/listed-rules';
import { renderJourney } from '../../dataplane/path/text';
import { type ListingsOfNode, tracerOfListings } from '../../dataplane/path/tracers';
import { renderReport } from '../../dataplane/rules-diff/text';
import { diff } from './diff';
import { askProxy } from './door';
import { commandOptions } from './options';
import { packetOf, type Question, readQuestion } from './question';

export const command = defineCommand({
  name: 'rules',
  summary: 'explain the netfilter rules of this node, or compare them with what kube-proxy wants',
  options: commandOptions,
  arguments: 'explain RULE|ADDRESS[:PORT][/PROTOCOL]|- , or diff',
  tool: true,
  notes: `  RULE      a line of iptables-save, iptables -S or nft list ruleset: who wrote it, for which object, and how packets get there
  ADDRESS   what the rules do with the first packet of a connection to it
  -         reads rules or addresses from standard input, one a line
  diff      what kube-proxy wants and the kernel lacks, what the kernel holds and is not wanted, and the rules of other programs;
            ends with status 0 if equal, 1 if different or not known, 2 for wrong use

examples:
  k8ts rules explain 10.96.0.10:53/udp --from 10.244.1.7
  k8ts rules explain '-A FORWARD -i eth0 -j DROP'
  iptables-save -t nat | grep shop/web | k8ts rules explain -
  k8ts rules diff
`,
  expand: (argv) => checkWords(joinRule(argv)),
  async run({ options, positional }) {
    const [verb, ...words] = positional;
    if (verb === 'diff') return showDiff(options);
    const given = words.join(' ');
    const lines = given === '-' ? (await readText(process.stdin)).split('\n').filter(isQuestion) : [given];
    for (const part of await explain(lines, options, new SystemExec())) process.stdout.write(part);
  },
});

async function showDiff({ proxyMetrics, json: asJson }: Parsed<typeof commandOptions>): Promise<void> {
  const report = await diff({ exec: new SystemExec(), ask: (path) => askProxy(proxyMetrics, path) });
  process.stdout.write(asJson ? json(report) : renderReport(report, Date.now()));
  if (report.verdict !== 'equal') process.exitCode = 1;
}

/** @throws BadRequest where the words ask nothing: before anything runs, so that the status is that of wrong use */
function checkWords(argv: readonly string[]): readonly string[] {
  const { positional, options } = parseOptions({ ...commandOptions, ...accepted }, argv, {});
  const [verb, stray] = positional;
  if (verb !== 'explain' && verb !== 'diff')
    throw new BadRequest(`expected explain or diff, got ${JSON.stringify(verb ?? '')}; see k8ts rules --help`);
  if (verb === 'explain') return argv;
  if (stray !== undefined) throw new BadRequest(`diff takes no ${JSON.stringify(stray)}; see k8ts rules --help`);
  if (options.from !== '') throw new BadRequest('--from is for explain');
  return argv;
}

/** An option of all commands, checked by them. */
const accepted = { logLevel: { flag: 'log-level', placeholder: 'LEVEL', default: 'info', help: '', parse: parseText } };

/** Lines of a listing that are no rules: `*nat`, `:INPUT ACCEPT [0:0]`, `COMMIT`, `table ip nat {`, `type filter hook ...`, `}`. */
const isQuestion = (line: string): boolean =>
  !/^\s*(?:$|[*:#}]|COMMIT$|(?:table|chain|set|map) .*\{|type \S+|elements = |policy |flags |timeout )/.test(line);

/** The words of a rule that no shell quoted become one argument: --dport 80 is no option of this command. Pure. */
export function joinRule(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('explain');
  if (at < 0) return argv;
  const flags: string[] = [];
  const words: string[] = [];
  for (let i = at + 1; i < argv.length; i++) {
    const arg = argv[i]!;
    if (/^--(from=.*|json|no-json|help)$/.test(arg) || arg === '-h') flags.push(arg);
    else if (arg === '--from') flags.push(arg, ...argv.slice(++i, i + 1));
    else words.push(arg);
  }
  return [...argv.slice(0, at + 1), ...flags, ...(words.length === 0 ? [] : [words.join(' ')])];
}

/**
 * One text for each line. Of several lines, each answer begins with its line, and a line that is no question gets its error as the answer.
 * @throws BadRequest, NotFound for a single line; CommandFailed where the kernel's rules cannot be read
 */
export async function explain(
  lines: readonly string[],
  options: Parsed<typeof commandOptions>,
  exec: Exec,
): Promise<readonly string[]> {
  const [only] = lines;
  if (lines.length === 1) readQuestion(only!);
  const listings = await readListings(exec);
  const listed = listedRules(listings, listings.nftInNames);
  const answer = async (line: string): Promise<string> => {
    const question = readQuestion(line);
    if (question.about === 'packet') return trace(question, listings, options, exec);
    if (options.from !== '') throw new BadRequest('--from is for packets, and this is a rule');
    const found = explainRule(question.text, listed);
    if (found.explanations.length === 0)
      throw new NotFound('no rule on this node has these words, or the same comment');
    return options.json ? json({ question, ...found }) : renderAnswer(found);
  };
  if (lines.length === 1) return [await answer(only!)];
  const answers: string[] = [];
  for (const line of lines) {
    const text = await answer(line).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      return options.json ? json({ line, error: error.message }) : `${error.message}\n`;
    });
    answers.push(options.json ? text : `> ${line.trim()}\n${text}\n`);
  }
  return answers;
}

async function trace(
  question: Extract<Question, { about: 'packet' }>,
  listings: ListingsOfNode,
  { from, json: asJson }: Parsed<typeof commandOptions>,
  exec: Exec,
): Promise<string> {
  const network = await readNetwork(exec);
  const sent = packetOf(question, from, network);
  const frame = sent.inInterface === undefined ? undefined : await readFrame(exec, sent.inInterface, sent.source);
  const packet = typeof frame === 'object' ? { ...sent, frame } : sent;
  const journey = tracerOfListings(listings).trace(packet, {
    localAddresses: network.localAddresses,
    route: (destination) => network.route(destination) ?? '',
    masqueradeAs: (outInterface) => network.addressOn(outInterface, question.destination),
    // Of several endpoints the first one that the rules name.
    random: () => 0,
  });
  if (asJson) return json({ question, packet, journey });
  const note =
    frame === 'unheard' ? `${sent.inInterface} has not heard this sender: the rules for its ports are left out\n` : '';
  return `${note}${renderJourney(packet, journey)}`;
}

const json = (value: unknown): string => `${JSON.stringify(value)}\n`;
