/** The part of WebAssembly that the kernel uses. Node's own types leave it to the browser's. */

/** A memory that threads share. */
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer;
}

/** Compiled code; can be posted to worker threads. */
export type WasmModule = object;

interface WasmNamespace {
  Module: new (bytes: Uint8Array) => WasmModule;
  Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { exports: Readonly<Record<string, unknown>> };
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => WasmMemory;
  compile: (bytes: Uint8Array) => Promise<WasmModule>;
}

const wasm: WasmNamespace = (globalThis as unknown as { WebAssembly: WasmNamespace }).WebAssembly;

/** The parts of WebAssembly, by their own names. */
export const Module: WasmNamespace['Module'] = wasm.Module;
export const Instance: WasmNamespace['Instance'] = wasm.Instance;
export const Memory: WasmNamespace['Memory'] = wasm.Memory;
export const compile: WasmNamespace['compile'] = wasm.compile;
