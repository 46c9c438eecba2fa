/** Which versions of the peers the tests ran against, as they say it themselves. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const BUILT = join(homedir(), '.cache/umbra-peers');

const QUESTIONS: Readonly<Record<string, () => string | undefined>> = {
  umbra: () => {
    const manifest: { readonly version: string } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    );
    return manifest.version;
  },
  'shadowsocks-libev': () => said('ss-server', ['-h'], /shadowsocks-libev (\S+)/),
  'shadowsocks-rust': () => said(join(BUILT, 'shadowsocks-rust/bin/ssserver'), ['--version'], /shadowsocks (\S+)/),
  // Its own command knows the version only in builds of its makers.
  'sing-box': () => said('go', ['version', '-m', join(BUILT, 'sing-box/sing-box')], /\tmod\t\S+sing-box\tv(\S+)/),
  v2ray: () => said('v2ray', ['version'], /V2Ray (\S+)/) ?? said('v2ray', ['-version'], /V2Ray (\S+)/),
};

export function versionsOf(names: readonly string[]): { readonly name: string; readonly version: string }[] {
  return names.map((name) => ({ name, version: QUESTIONS[name]?.() ?? 'unknown' }));
}

function said(program: string, args: readonly string[], pattern: RegExp): string | undefined {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 10_000 });
  return pattern.exec(`${stdout}${stderr}`)?.[1];
}
