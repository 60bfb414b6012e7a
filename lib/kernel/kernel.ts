/**
 * Which kernel runs, and how its operations come to a memory.
 * - `relaxed`: WebAssembly with relaxed SIMD, whose 8-bit dot product does the ternary work (assembly/ternary-vector.ts)
 * - `simd`: WebAssembly with the older fixed-width SIMD, for engines without it
 * - `reference`: plain TypeScript, many times slower: the oracle of the other two
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';
import { compiledFolder } from './compiled-folder.js';
import { OPERATION_NAMES, type Operation, type Operations } from './operations.js';
import { referenceOperations } from './reference/operations.js';
import { compile, Instance, Module, type WasmMemory, type WasmModule } from './webassembly.js';

export const KERNEL_NAMES = ['relaxed', 'simd', 'reference'] as const;
export type KernelName = (typeof KERNEL_NAMES)[number];

/** `auto` takes the fastest that this engine runs. */
export type KernelChoice = 'auto' | KernelName;

/** A kernel before it is bound to a memory. The module can be posted to worker threads. */
export interface Kernel {
  readonly name: KernelName;
  /** Absent for the reference. */
  readonly module?: WasmModule;
}

// One function each: () → v128 made with an instruction of the feature in question.
const SIMD_TEST = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98,
  11,
];
const RELAXED_SIMD_TEST = [
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2,
  253, 15, 253, 146, 2, 11,
];

function compiles(bytes: readonly number[]): boolean {
  try {
    return new Module(Uint8Array.from(bytes)) instanceof Module;
  } catch {
    return false;
  }
}

/**
 * Whether this engine has relaxed SIMD. Node 20 has it behind a flag, which is set here, before anything that needs it
 * is compiled; worker threads started later see it too.
 */
export function hasRelaxedSimd(): boolean {
  if (compiles(RELAXED_SIMD_TEST)) return true;
  // Setting an unknown flag would print an error, and only V8 versions before 11.4 lack the feature without it.
  if (Number.parseInt(process.versions.v8, 10) > 11) return false;
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
  return compiles(RELAXED_SIMD_TEST);
}

/** Whether this engine has fixed-width SIMD: Node always, unless it was started without. */
export function hasSimd(): boolean {
  return compiles(SIMD_TEST);
}

function choose(choice: KernelChoice): KernelName {
  if (choice === 'auto') return hasRelaxedSimd() ? 'relaxed' : hasSimd() ? 'simd' : 'reference';
  if (!KERNEL_NAMES.includes(choice)) {
    const expected = ['auto', ...KERNEL_NAMES].join(', ');
    throw new RangeError(`load kernel: kernel must be one of ${expected}, got ${JSON.stringify(choice)}.`);
  }
  const missing = (choice === 'relaxed' && !hasRelaxedSimd()) || (choice === 'simd' && !hasSimd());
  if (missing) {
    throw new Error(
      `load kernel: kernel '${choice}' needs an engine that compiles its instructions, and Node ${process.version} ` +
        `does not. Use kernel 'auto', which takes the fastest that works.`,
    );
  }
  return choice;
}

/**
 * Loads and compiles a kernel.
 * @throws RangeError for an unknown name; Error if this engine cannot run it or it has not been built
 */
export async function loadKernel(choice: KernelChoice = 'auto'): Promise<Kernel> {
  const name = choose(choice);
  if (name === 'reference') return { name };
  const file = new URL(`${name}.wasm`, compiledFolder());
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch {
    throw new Error(
      `load kernel: the compiled kernel must be at ${fileURLToPath(file)}, and is not. Run: npm run build`,
    );
  }
  return { name, module: await compile(bytes) };
}

/** The operations of a kernel on a memory, for the calling thread. */
export function bindKernel(kernel: Kernel, memory: WasmMemory): Operations {
  if (!kernel.module) return referenceOperations(memory.buffer);
  const { exports } = new Instance(kernel.module, { env: { memory } });
  return {
    table: OPERATION_NAMES.map((name) => exports[name] as Operation),
    quantizeForShortlist: exports.quantizeForShortlist as Operations['quantizeForShortlist'],
  };
}
