/**
 * How a run's results come back without shared storage: it prints them, as marked lines between all that a job's log
 * holds besides. A line of a file is `@bitnet NAME LINE`; the other kinds carry JSON. The last one, `end`, has the
 * hash of every file, so that a log that lost or mixed anything differs from a whole one.
 */
import { createHash } from 'node:crypto';

const MARK = '@bitnet ';

/** Files of a run folder that come back, where the run has them. The one that says that it is done comes last. */
export const RUN_FILES = ['config.json', 'metrics.jsonl', 'completed.json', 'result.json'] as const;
export type RunFile = (typeof RUN_FILES)[number];

/** What a run says beside its files. */
export interface RunWords {
  /** Its training starts. */
  begin: { attempt: string; host: string };
  /** This machine must not carry it out. */
  refused: { reason: string };
  /** For people to read. */
  note: { text: string };
  /** It cannot be carried out anywhere. */
  failed: { message: string };
  /** All is printed. SHA-256 of each file. */
  end: { files: Partial<Record<RunFile, string>> };
}

/** A line that carries JSON. */
export function markedWord<K extends keyof RunWords>(kind: K, content: RunWords[K]): string {
  return `${MARK}${kind} ${JSON.stringify(content)}\n`;
}

/** @param text whole lines of the file, each with its line end */
export function markedFile(name: RunFile, text: string): string {
  // Not by a regular expression: its lines end at U+2028, too, which JSON leaves as it is.
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => `${MARK}${name} ${line}\n`).join('');
}

/** Hexadecimal hash of a text in UTF-8. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** What a job's log says of its run. */
export interface ParsedLog {
  begun?: RunWords['begin'];
  refused?: string;
  notes: string[];
  failed?: string;
  /** All files, each with the hash that the run had given; undefined where the log is not whole. */
  files?: Map<RunFile, string>;
  /** The last line that is not ours: what a program said that ended badly. */
  lastWords?: string;
}

/** Reads a log. What stands before the last `begin` is of an earlier try; a last line that is cut is left out. */
export function parseRunLog(log: string): ParsedLog {
  let parsed: ParsedLog = { notes: [] };
  let lines = new Map<RunFile, string[]>();
  let end: RunWords['end'] | undefined;
  const complete = log.slice(0, log.lastIndexOf('\n') + 1);
  for (const line of complete.split('\n')) {
    const at = line.indexOf(MARK);
    if (at < 0) {
      if (line.trim() !== '') parsed.lastWords = line.trim();
      continue;
    }
    const space = line.indexOf(' ', at + MARK.length);
    const kind = line.slice(at + MARK.length, space < 0 ? undefined : space);
    const content = line.slice(space + 1);
    if ((RUN_FILES as readonly string[]).includes(kind)) {
      const known = lines.get(kind as RunFile);
      if (known) known.push(content);
      else lines.set(kind as RunFile, [content]);
      continue;
    }
    const word = parsedJson(content);
    if (word === undefined) continue;
    if (kind === 'begin') {
      parsed = { notes: parsed.notes, begun: word as RunWords['begin'] };
      lines = new Map();
      end = undefined;
    } else if (kind === 'refused') parsed.refused = (word as RunWords['refused']).reason;
    else if (kind === 'note') parsed.notes.push((word as RunWords['note']).text);
    else if (kind === 'failed') parsed.failed = (word as RunWords['failed']).message;
    else if (kind === 'end') end = word as RunWords['end'];
  }
  const cut = log.slice(complete.length).trim();
  if (cut !== '' && !cut.includes(MARK)) parsed.lastWords = cut;
  if (end !== undefined) {
    const files = new Map([...lines].map(([name, all]) => [name, all.map((line) => `${line}\n`).join('')]));
    const hashes = Object.entries(end.files);
    const whole =
      hashes.length === files.size &&
      hashes.every(([name, hash]) => hash === sha256(files.get(name as RunFile) ?? ''));
    if (whole) parsed.files = files;
  }
  return parsed;
}

/** A point of a run's metrics, as far as it shows progress. */
export interface ProgressPoint {
  step: number;
  trainLoss: number;
  validationLoss?: number;
  seconds: number;
}

/** The newest point among some last lines of a log. */
export function newestPoint(lines: string): ProgressPoint | undefined {
  const prefix = `${MARK}metrics.jsonl `;
  const complete = lines.slice(0, lines.lastIndexOf('\n') + 1).split('\n');
  for (const line of complete.reverse()) {
    const at = line.indexOf(prefix);
    if (at < 0) continue;
    const point = parsedJson(line.slice(at + prefix.length)) as ProgressPoint | undefined;
    if (point && Number.isFinite(point.step)) return point;
  }
  return undefined;
}

function parsedJson(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
