// One part of the process, as main.ts runs it.
import type { DesiredPart } from '../../dataplane/rules-diff/document';

export interface Part {
  /** Runs until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** What is wrong, for /healthz. */
  problem?(): string | undefined;
  /** For /metrics, in the Prometheus text format. */
  renderMetrics?(): string;
  /** For /rules: what the part wants in the kernel, at this moment. */
  desired?(): DesiredPart;
}
