import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { projectFolder } from './project-folder.js';

const KERNEL = fileURLToPath(new URL('../../scripts/kernel.js', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.skipIf(process.platform === 'win32')(
  'a kernel ends when the server that started it is killed',
  async () => {
    const { root } = projectFolder();
    const connection = join(root, 'kernel.json');
    const ports = { shell_port: 0, iopub_port: 0, stdin_port: 0, control_port: 0, hb_port: 0 };
    writeFileSync(connection, JSON.stringify({ ...ports, ip: '127.0.0.1', transport: 'tcp', key: 'k' }));
    // Stands where the server would: starts the kernel in a session of its own, as Jupyter does, and tells its number.
    const program = `
    const { spawn } = require('node:child_process');
    const kernel = spawn(process.execPath, ${JSON.stringify([KERNEL, 'kernel', '--config-path', connection])}, { detached: true, stdio: 'ignore' });
    console.log(kernel.pid);
    setInterval(() => {}, 1000);
  `;
    const server = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
    const kernel = Number(line);
    // Time to load: it must be up before its server goes.
    await sleep(3_000);
    expect(isAlive(kernel)).toBe(true);

    server.kill('SIGKILL');
    while (isAlive(kernel)) await sleep(100);
  },
);
