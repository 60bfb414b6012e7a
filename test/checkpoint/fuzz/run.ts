/** Damages golden files at random and reads them: every reader either refuses in proper form or keeps its promises. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { getHeapStatistics } from 'node:v8';
import { Random } from './random.js';
import { fuzzTarget, isProperRefusal, type FuzzFormat } from './targets.js';

/** What came of the damaged files. */
export interface FuzzReport {
  format: FuzzFormat;
  count: number;
  /** Read without complaint, with every promise kept: the damage changed values, or nothing that counts. */
  accepted: number;
  refused: number;
  /** How often each thing was found wrong, most often first. */
  reasons: [what: string, count: number][];
  /** Most bytes that reading one file held, its own included. */
  mostBytesHeld: number;
  /** Growth of the largest size that the process ever had, in bytes; 0 where the system does not say. */
  peakGrowth: number;
  slowestMs: number;
}

/**
 * Reads `count` damaged files of a format.
 * @throws Error naming seed, number and kind of the damage for the first file that is neither refused in proper form
 * nor read with every promise kept
 */
export async function fuzz(format: FuzzFormat, count: number, seed: number): Promise<FuzzReport> {
  const folder = mkdtempSync(join(tmpdir(), `bitnet-fuzz-${format}-`));
  const report: FuzzReport = {
    format,
    count,
    accepted: 0,
    refused: 0,
    reasons: [],
    mostBytesHeld: 0,
    peakGrowth: 0,
    slowestMs: 0,
  };
  const reasons = new Map<string, number>();
  try {
    const target = await fuzzTarget(format, folder);
    const peakBefore = peakBytes();
    for (let i = 0; i < count; i++) {
      // Seeded file by file, so that one failure can be run again without those before it.
      const random = new Random(seed + i);
      const mutated = target.damage(random);
      const heldBefore = heldBytes();
      const start = performance.now();
      try {
        await target.read(mutated, random);
        report.accepted += 1;
      } catch (error) {
        if (!isProperRefusal(error, folder) && !(target.isRefusal?.(error) ?? false)) {
          const { name, message } = error as Error;
          const hint = `Run it alone: npm run fuzz -- --format ${format} --count 1 --seed ${seed + i}`;
          throw new Error(`fuzz ${format}: ${mutated.what}: ${name}: ${message}. ${hint}`, { cause: error });
        }
        report.refused += 1;
        const reason = /: (.+?) must be /.exec((error as Error).message)?.[1] ?? 'other';
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      }
      report.slowestMs = Math.max(report.slowestMs, performance.now() - start);
      report.mostBytesHeld = Math.max(report.mostBytesHeld, heldBytes() - heldBefore);
      await setImmediate();
    }
    report.peakGrowth = peakBytes() - peakBefore;
    report.reasons = [...reasons].sort(([, a], [, b]) => b - a);
    return report;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function heldBytes(): number {
  return getHeapStatistics().used_heap_size + process.memoryUsage().arrayBuffers;
}

/** The largest address space that the process ever had: it grows with what is asked for, even if never touched. */
function peakBytes(): number {
  try {
    return Number(/VmPeak:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
