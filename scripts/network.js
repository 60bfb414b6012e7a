/**
 * A warning where JupyterLab is opened to other machines: anyone who has the address and the token runs programs here.
 */

const IP_OPTIONS = ['--ip', '--ServerApp.ip', '--NotebookApp.ip'];
const TOKEN_OPTIONS = ['--IdentityProvider.token', '--ServerApp.token', '--NotebookApp.token'];
/** Addresses that only this machine reaches. */
const RE_LOCAL = /^(localhost|127\..*|::1)$/;

/**
 * @param {string[]} args what goes to `jupyter lab`
 * @param {boolean} [isRoot]
 * @returns {string | undefined} the warning, where one is due
 */
export function networkWarning(args, isRoot = process.getuid?.() === 0) {
  const ip = valueOf(args, IP_OPTIONS);
  if (ip === undefined || RE_LOCAL.test(ip)) return undefined;
  const token = valueOf(args, TOKEN_OPTIONS);
  const who =
    token === '' ? 'Whoever reaches this address' : 'Whoever reaches this address and has the token';
  return (
    `JupyterLab will listen on ${ip === '' ? 'every address' : ip}, for other machines too, unencrypted. ${who} can run ` +
    `any program as ${isRoot ? 'root' : 'you'} here. ` +
    (token === '' ? 'Leave out the empty token. ' : '') +
    'From another machine, ssh -L 8888:localhost:8888 reaches it without this option.'
  );
}

/**
 * The value of the first of some options: `--name value` or `--name=value`.
 * @param {string[]} args
 * @param {string[]} names
 */
function valueOf(args, names) {
  for (const [index, arg] of args.entries()) {
    const [name] = arg.split('=', 1);
    if (!names.includes(name)) continue;
    const value = arg === name ? (args[index + 1] ?? '') : arg.slice(name.length + 1);
    return value.replace(/^(['"])(.*)\1$/, '$2');
  }
  return undefined;
}
