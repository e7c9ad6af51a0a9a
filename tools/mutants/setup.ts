// In each test file of a copy: the first contract that a test breaks goes with its result.
import { afterEach, beforeEach } from 'vitest';

interface Broken {
  rslBroken?: string | undefined;
}
const broken = globalThis as Broken;

beforeEach(() => {
  broken.rslBroken = undefined;
});
afterEach(({ task }) => {
  Object.assign(task.meta, { broken: broken.rslBroken });
});
