/** Where a result comes from: machine, kernel and versions. */

import { execFileSync } from 'node:child_process';
import { arch, cpus, release, totalmem } from 'node:os';
import type { Options } from './options.js';

export interface Environment {
  readonly lines: readonly string[];
}

export function describeEnvironment(options: Options): Environment {
  const processors = cpus();
  const lines = [
    `Date: ${new Date().toISOString().slice(0, 10)}`,
    `Machine: ${processors.length} × ${processors[0]?.model ?? 'unknown'} (${arch()}), ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Kernel: Linux ${release()}`,
  ];
  if (options.sides.includes('umbra')) {
    const { node, openssl }: { node: string; openssl: string } = JSON.parse(
      output(options.node, ['-p', 'JSON.stringify(process.versions)']),
    );
    lines.push(`umbra on Node.js ${node} with OpenSSL ${openssl}`);
  }
  if (options.sides.includes('libev')) {
    const version = /shadowsocks-libev \S+/.exec(output('ss-server', ['-h']))?.[0] ?? 'shadowsocks-libev';
    const libraries = [
      ...output('ldd', [output('which', ['ss-server'])]).matchAll(
        /\b(lib(?:mbedcrypto|sodium|ev|crypto)\.so[.\d]*) =>/g,
      ),
    ];
    lines.push(`${version} with ${libraries.map((match) => match[1]).join(', ')}`);
  }
  return { lines };
}

/** Standard output of a short command; throws a sentence where it cannot be run. */
function output(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', timeout: 10_000, stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string' && error.stdout !== '')
      return error.stdout;
    throw new Error(`The benchmark needs ${command}, which could not be run: ${String(error)}`);
  }
}
