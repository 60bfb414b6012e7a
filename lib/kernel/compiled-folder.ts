/** Where the compiled kernel lies: beside this file's compiled form, whether that or its source is running. */
export function compiledFolder(): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(isSource ? '../dist/kernel/' : './', import.meta.url);
}
