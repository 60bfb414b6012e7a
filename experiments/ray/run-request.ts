import { CLONE } from '../sweep/commit.js';
import type { Identity } from './identity.js';
import type { RunTask } from '../sweep/engines/engine.js';
import type { RunSpec } from '../sweep/run-spec.js';

/** What a job gets, in its environment variable BITNET_RUN. */
export interface RunRequest {
  /** Submission id of the job. */
  attempt: string;
  spec: RunSpec;
  /** What the driver computes with. */
  driver: Identity;
  anyBackend: boolean;
  /** The run's folder and the mark that shows that this machine sees it, where runs are in a shared folder. */
  shared?: { folder: string; mark: { path: string; text: string } };
}

/** A job's program, seen from the clone. */
export const RUN_PROGRAM = 'experiments/dist/ray/run-job.js';

/** Submission id of the n-th job of a run. */
export function attemptId(runId: string, attempt: number): string {
  return attempt === 1 ? runId : `${runId}-${attempt}`;
}

/** Which of a run's jobs has that submission id; undefined for jobs of other runs. */
export function attemptNumber(runId: string, submissionId: string): number | undefined {
  if (submissionId === runId) return 1;
  const rest = submissionId.startsWith(`${runId}-`) ? submissionId.slice(runId.length + 1) : '';
  return /^[1-9]\d*$/.test(rest) ? Number(rest) : undefined;
}

/**
 * The shell command of a job. A machine has its clone where BITNET_NOTEBOOKS says, by default where the driver has it.
 */
export function entrypoint(program: string): string {
  const reason = 'it must have a compiled clone in %s, got none. Set BITNET_NOTEBOOKS there before ray start';
  const missing = `@bitnet refused {"reason":"${reason}, and run npm run setup in the clone."}\\n`;
  return (
    `clone="\${BITNET_NOTEBOOKS:-${quoted(CLONE)}}"; ` +
    `if [ -f "$clone/${program}" ]; then cd "$clone" && exec node ${program}; ` +
    `else printf '${missing}' "$clone"; exit 1; fi`
  );
}

/** Of what a run is, for people who look at Ray's dashboard; `code` shows which jobs are of other code. */
export function jobMetadata({ id, spec }: RunTask, { code }: Identity): Record<string, string> {
  return { name: spec.name, arm: spec.arm, run: id, code };
}

/** Within double quotes of a shell. */
function quoted(text: string): string {
  return text.replace(/["\\$`}]/g, '\\$&');
}
