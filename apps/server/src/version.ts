import { readFileSync } from 'node:fs';

/** Ours, and the version of Redis whose commands and texts we keep to. */
export const serverVersion = { rsl: ownVersion(), redis: '7.0.15' };

/** The package's manifest is two or three folders up, from source and from a build. */
function ownVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (isManifest(manifest) && manifest.name === '@rsl/server') return manifest.version;
    } catch {
      // Not there: the next one is.
    }
  }
  return '0.0.0';
}

function isManifest(value: unknown): value is { name: string; version: string } {
  return typeof value === 'object' && value !== null && 'name' in value && 'version' in value;
}
