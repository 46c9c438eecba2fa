/** A directory of its own for a test, gone afterwards. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export class TemporaryDirectory {
  readonly path = mkdtempSync(join(tmpdir(), 'umbra-test-'));

  /** Writes a file that only its owner may read, unless `mode` says otherwise. @returns its path */
  write(name: string, content: unknown, mode = 0o600): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content), { mode });
    return path;
  }

  delete(name: string): void {
    rmSync(join(this.path, name));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
