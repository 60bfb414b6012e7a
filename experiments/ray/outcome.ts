/** What became of a job that has ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunTask } from '../sweep/engines/engine.js';
import { RayFault, RayUnreachable, type JobsClient, type RayJob } from './jobs-client.js';
import { parseRunLog, type ParsedLog, type RunFile } from './run-log.js';

export type Outcome =
  | { kind: 'done'; files: ReadonlyMap<RunFile, string> }
  /** Its machine must not carry out runs. */
  | { kind: 'refused'; why: string; nodeId: string | undefined }
  /** Not the run's fault: its machine went away, or nobody could start it. */
  | { kind: 'lost'; why: string; nodeId?: string }
  /** Its program ended badly. */
  | { kind: 'crashed'; why: string; nodeId: string | undefined }
  /** Trying again cannot help. */
  | { kind: 'failed'; why: string };

/** A log may be read before its last lines have reached the disk, or while its machine is too busy to answer. */
const READS = 5;
/** Before a log is read again; doubled each time. */
const READ_AGAIN_MILLISECONDS = 1000;

export interface ReadOptions {
  /** Waits for the head, where that is away. */
  awaitHead: () => Promise<unknown>;
  readAgainMilliseconds?: number;
}

/** The machine that a job runs on. */
export function machineOf({ driver_agent_http_address: address }: RayJob): string | undefined {
  return address != null && URL.canParse(address) ? new URL(address).hostname : undefined;
}

/** @param job has ended */
export async function readOutcome(
  client: JobsClient,
  job: RayJob,
  { spec }: RunTask,
  { awaitHead, readAgainMilliseconds = READ_AGAIN_MILLISECONDS }: ReadOptions,
): Promise<Outcome> {
  const where = machineOf(job) ?? 'the cluster';
  const nodeId = job.driver_node_id ?? undefined;
  if (job.status === 'STOPPED') {
    const why = `run ${spec.name}: its job must run to its end, got stopped by hand on the cluster. Give the command again to start it again.`;
    return { kind: 'failed', why };
  }
  if (job.error_type === 'JOB_SUPERVISOR_ACTOR_START_TIMEOUT')
    return { kind: 'lost', why: 'Ray gave up waiting for a free CPU.' };
  if (job.status === 'FAILED' && job.error_type?.startsWith('JOB_SUPERVISOR'))
    return {
      kind: 'lost',
      why: `${machineOf(job) ?? 'its job'} was lost: ${lastLine(job.message)}.`,
      nodeId,
    };

  let log: ParsedLog = { notes: [] };
  for (let read = 1; read <= READS; read++) {
    try {
      log = parseRunLog(await client.logs(job.submission_id));
    } catch (error) {
      // The log lies on the job's machine and goes with it.
      if (!(error instanceof RayFault || error instanceof RayUnreachable)) throw error;
      if (error instanceof RayUnreachable) await awaitHead();
      const why = `${where} was lost before its log was read: ${error.message}.`;
      if (read === READS) return { kind: 'lost', why, nodeId };
    }
    if (log.files) return { kind: 'done', files: log.files };
    if (log.refused !== undefined || log.failed !== undefined) break;
    if (read < READS) await sleep(readAgainMilliseconds * 2 ** (read - 1));
  }
  const { refused, failed, begun, lastWords } = log;
  const said = lastWords ?? lastLine(job.message);
  if (failed !== undefined) return { kind: 'failed', why: `${failed} (on ${where})` };
  if (refused !== undefined) return { kind: 'refused', why: `${where} refuses runs: ${refused}`, nodeId };
  if (job.status === 'SUCCEEDED') {
    const why = `its log must hold all of its results, got one that was cut on ${where}.`;
    return { kind: 'crashed', why, nodeId };
  }
  if (!begun) {
    const why = `${where} refuses runs: its program must start there, got "${said}". Run npm run setup in the clone there.`;
    return { kind: 'refused', why, nodeId };
  }
  const code = job.driver_exit_code ?? 'none';
  return {
    kind: 'crashed',
    why: `its program on ${where} must end well, got exit code ${code}: ${said}.`,
    nodeId,
  };
}

function lastLine(text: string | null | undefined): string {
  return text?.trim().split('\n').at(-1)?.trim().replace(/\.$/, '').slice(0, 300) || 'no words';
}
