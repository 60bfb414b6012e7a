import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test, vi } from 'vitest';
import { processesNaming } from '../../scripts/processes.js';

test.skipIf(process.platform === 'win32')('processes are found by an argument until they end', async () => {
  // Without `ps`, as in a slim container; elsewhere than on Linux it is needed.
  if (process.platform === 'linux') vi.stubEnv('PATH', '');
  onTestFinished(() => void vi.unstubAllEnvs());
  const argument = `/nowhere/bitnet-${process.pid}/kernel-1.json`;
  const program = "console.log('up'); setInterval(() => {}, 1000)";
  const child = spawn(process.execPath, ['-e', program, argument], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');

  expect(processesNaming(argument.replace('1.json', ''))).toEqual([child.pid]);
  expect(processesNaming(`${argument}x`)).toEqual([]);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
  expect(processesNaming(argument)).toEqual([]);
});
