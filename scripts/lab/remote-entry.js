/**
 * What JupyterLab loads of this extension. It expects what webpack's module federation makes: a container that gets
 * JupyterLab's own modules by `init` and gives the extension's by `get`.
 */
(() => {
  const CONTAINERS = '_JUPYTERLAB';
  const { src } = /** @type {HTMLScriptElement} */ (document.currentScript);
  /** @type {import('./mime-extension.js').SharedModules} */
  let shared;
  const page = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (window));
  const containers = /** @type {Record<string, unknown>} */ (page[CONTAINERS] ?? {});
  page[CONTAINERS] = containers;
  containers['bitnet-notebooks'] = {
    init(/** @type {import('./mime-extension.js').SharedModules} */ modules) {
      shared = modules;
    },
    /** @param {string} name of the module, as package.json has it: ./NAME is NAME.js, whose default makes it */
    async get(name) {
      const { default: make } = await import(new URL(`${name}.js`, src).href);
      const module = await make(shared);
      return () => module;
    },
  };
})();
