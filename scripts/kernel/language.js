/** What the kernel says of its language. JupyterLab writes it into every notebook that it saves. */

/** The TypeScript that tslab carries. */
const TYPESCRIPT_VERSION = '5.0.4';

export const LANGUAGE_INFO = {
  // JupyterLab colours cells by `mode`.
  codemirror_mode: { mode: 'typescript', name: 'javascript', typescript: true },
  file_extension: '.ts',
  mimetype: 'text/typescript',
  name: 'typescript',
  version: TYPESCRIPT_VERSION,
};
