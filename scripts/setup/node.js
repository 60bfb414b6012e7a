/**
 * The version of Node that everything else here needs. Written so that older ones can read it.
 */

/** From here on require() loads ES modules, which is how the kernel gets the lib. */
const OLDEST_NODE = [20, 19];

/**
 * Ends the process with a sentence on a Node that is too old.
 * @param {string} [version] such as `20.19.0`
 */
export function requireNode(version = process.versions.node) {
  if (isNewEnough(version)) return;
  console.error(
    `This project needs Node ${OLDEST_NODE.join('.')} or later, this is ${version} (${process.execPath}).\n` +
      'Install the current long-term release (nodejs.org, or your version manager) and run the command again.',
  );
  process.exit(1);
}

/** @param {string} version */
export function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  // Node 21, and 22 before its twelfth, load ES modules by require() only with a flag.
  if (major === 21) return false;
  if (major === 22) return minor >= 12;
  return major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
}
