/**
 * The process that carries out runs for the local engine: it trains what it is sent, one run after the other, and reports
 * where each stands. It ends with the process that started it.
 */
import { loadTraining, type Corpus, type Training, type TrainingPoint } from '@bitnet-notebooks/lib';
import type { RunProgress, RunTask } from './engine.js';
import { openCorpusOf } from '../open-corpus.js';
import type { CorpusSpec } from '../run-spec.js';
import type { RunResult } from '../finished-run.js';
import { trainRun } from '../train-run.js';

/** What the engine sends. */
export type ToWorker = { run: RunTask; form?: 'compiled' | 'eager' } | { stop: true };

/** What the worker answers. */
export type FromWorker =
  | { progress: RunProgress }
  | { result: RunResult }
  | { stopped: true }
  | { error: string };

/** Milliseconds between two reports of a run. */
const REPORT_MILLISECONDS = 250;

let training: Promise<Training> | undefined;
const corpora = new Map<string, Promise<Corpus>>();
let current: AbortController | undefined;

function send(message: FromWorker): void {
  if (process.connected) process.send!(message);
}

/** Opened once for all runs; one that could not be opened is tried again by the next run. */
function keptCorpus(spec: CorpusSpec): Promise<Corpus> {
  const key = JSON.stringify(spec);
  const kept = corpora.get(key);
  if (kept) return kept;
  const opened = openCorpusOf(spec);
  corpora.set(key, opened);
  opened.catch(() => corpora.delete(key));
  return opened;
}

async function carryOut(
  { spec, folder }: RunTask,
  form: 'compiled' | 'eager' | undefined,
  signal: AbortSignal,
): Promise<FromWorker> {
  const corpus = await keptCorpus(spec.corpus);
  training ??= loadTraining({ threads: 1 });
  let next = 0;
  const onPoint = ({ step, trainLoss, validationLoss, seconds }: TrainingPoint): void => {
    const now = performance.now();
    if (now < next && validationLoss === undefined) return;
    next = now + REPORT_MILLISECONDS;
    send({ progress: { step, trainLoss, validationLoss, seconds } });
  };
  const onRepair = (note: string): void => send({ progress: { note, step: 0, trainLoss: 0, seconds: 0 } });
  const options = { signal, onPoint, onRepair, form };
  const { backend } = await training;
  const { note } = backend;
  const result = await trainRun(await training, corpus, spec, folder, options);
  // What a run adds to it is why its steps are slow.
  if (backend.note !== note) onRepair(backend.note.slice(note.length).trim());
  return result ? { result } : { stopped: true };
}

process.on('message', (message: ToWorker) => {
  if ('stop' in message) return current?.abort();
  current = new AbortController();
  carryOut(message.run, message.form, current.signal).then(send, (error: unknown) => {
    send({ error: error instanceof Error ? error.message : String(error) });
  });
});

// The engine decides what these mean; a terminal, or a system that shuts down, sends them to every process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
// Without its engine a run has nobody to report to. It goes on from its checkpoint another time.
process.on('disconnect', () => process.exit(0));
