/**
 * Thread of the kernel that ends the process once the process that started it is gone.
 */
const POLL_MS = 1_000;
const parent = process.ppid;

setInterval(() => {
  if (!isParentAlive()) process.kill(process.pid, 'SIGKILL');
}, POLL_MS);

function isParentAlive() {
  // POSIX gives an orphan another parent; Windows keeps the number.
  if (process.platform !== 'win32') return process.ppid === parent;
  try {
    process.kill(parent, 0);
    return true;
  } catch {
    return false;
  }
}
