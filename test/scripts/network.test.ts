import { expect, test } from 'vitest';
import { networkWarning } from '../../scripts/network.js';

test('no word where JupyterLab listens to this machine alone', () => {
  for (const args of [
    [],
    ['--no-browser'],
    ['--ip', 'localhost'],
    ['--ip=127.0.0.1'],
    ['--ServerApp.ip=::1'],
    ['--port', '0.0.0.0'],
  ]) {
    expect(networkWarning(args)).toBeUndefined();
  }
});

test('a word where other machines reach it: who may run what, as whom, and what to do instead', () => {
  for (const args of [
    ['--ip', '0.0.0.0'],
    ['--ip=*'],
    ['--no-browser', '--ServerApp.ip=192.168.1.7'],
    ["--ip='0.0.0.0'"],
  ]) {
    expect(networkWarning(args, true)).toMatch(
      /will listen on (0\.0\.0\.0|\*|192\.168\.1\.7), .*has the token can run any program as root here\. From another machine, ssh -L/,
    );
  }
  expect(networkWarning(['--ip', '0.0.0.0', '--IdentityProvider.token='], false)).toMatch(
    /Whoever reaches this address can run any program as you here\. Leave out the empty token/,
  );
});
