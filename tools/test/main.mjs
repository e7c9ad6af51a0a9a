// Runs vitest and ends with one line that counts every test: `N passed, N failed, N skipped`.
// Arguments go to vitest: `npm test -- --project core acceptor`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'rsl-test-'));
const report = join(folder, 'report.json');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const vitest = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
// The counts come after vitest has stopped, also when it was told to.
process.on('SIGTERM', () => vitest.kill('SIGTERM'));
process.on('SIGINT', () => process.stdin.isTTY || vitest.kill('SIGINT'));

vitest.on('exit', (code, signal) => {
  const exitCode = code ?? 128 + constants.signals[signal];
  const counted = count(exitCode);
  rmSync(folder, { recursive: true });
  console.log(`${counted.passed} passed, ${counted.failed} failed, ${counted.skipped} skipped`);
  process.exitCode = exitCode === 0 && counted.failed > 0 ? 1 : exitCode;
});

function count(exitCode) {
  const { testResults: files } = read();
  const tests = files.flatMap((file) => file.assertionResults);
  const passed = tests.filter((test) => test.status === 'passed').length;
  const failedTests = tests.filter((test) => test.status === 'failed').length;
  // A file that failed outside its tests (it does not load, say) has no failed test to show.
  const hasFailedTest = (file) => file.assertionResults.some((test) => test.status === 'failed');
  const failedFiles = files.filter(
    (file) => file.status === 'failed' && !hasFailedTest(file),
  ).length;
  const failed = failedTests + failedFiles;
  return {
    passed,
    // Neither: an unhandled error, a coverage threshold, no report at all.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: tests.length - passed - failedTests,
  };
}

function read() {
  try {
    return JSON.parse(readFileSync(report, 'utf8'));
  } catch {
    return { testResults: [] };
  }
}
