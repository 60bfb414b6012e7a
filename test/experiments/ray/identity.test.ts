import { describe, expect, it } from 'vitest';
import { ownIdentity, refusal, type Identity } from '../../../experiments/ray/identity.js';

const driver: Identity = {
  commit: 'c0ffee',
  lock: '10c4',
  code: 'c0de',
  node: 'v20.20.2',
  backend: 'tensorflow 2.18.1, threads 1',
};

describe('refusal', () => {
  it('lets a machine work that agrees in everything', () => {
    expect(refusal(driver, { ...driver })).toBeUndefined();
  });

  it.each([
    ['commit', 'its commit must be that of the driver, c0ffee, got other'],
    ['lock', 'its package-lock.json must be that of the driver, 10c4, got other'],
    ['code', 'its compiled code must be that of the driver, c0de, got other'],
    ['node', 'its Node.js must be that of the driver, v20.20.2, got other'],
    ['backend', 'its backend must be that of the driver, tensorflow 2.18.1, threads 1, got other'],
  ])('refuses another %s and says what to do', (key, message) => {
    const found = refusal(driver, { ...driver, [key]: 'other' });
    expect(found).toContain(message);
    expect(found).toMatch(/To use it, \w/);
  });

  it('takes another backend where that is asked for, and nothing else', () => {
    expect(refusal(driver, { ...driver, backend: 'wasm' }, { anyBackend: true })).toBeUndefined();
    expect(refusal(driver, { ...driver, code: 'x' }, { anyBackend: true })).toContain('compiled code');
  });
});

describe('ownIdentity', () => {
  it('says the same twice, and everything that a driver compares', async () => {
    const own = await ownIdentity();
    expect(await ownIdentity()).toEqual(own);
    expect(own.node).toBe(process.version);
    expect(own.lock).toMatch(/^[0-9a-f]{16}$/);
    expect(own.code).toMatch(/^[0-9a-f]{16}$/);
    expect(own.backend).toMatch(/threads 1$/);
  });
});
