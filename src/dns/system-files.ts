/**
 * /etc/hosts and /etc/resolv.conf as they are now. A laptop changes networks, a VPN comes up: the files are looked at
 * again, but by a stat every few seconds at most and only while somebody asks, which is the one place where a reactor
 * touches the disk.
 */

import { readFileSync, statSync } from 'node:fs';
import type { Hosts } from './hosts.js';
import { parseHosts } from './hosts.js';
import type { ResolvConf } from './resolv-conf.js';
import { parseResolvConf } from './resolv-conf.js';

/** glibc looks at every call, musl and Go every 5 s. */
const CHECK_INTERVAL_MS = 5000;
/** A blocklist of a million names is 30 MB; what is longer is no hosts file, and reading it would hold up the loop. */
const MAX_FILE_LENGTH = 64 * 1024 * 1024;

/** One file, parsed anew when its identity, time or size changes. */
class WatchedFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  #stamp = '';
  value: T;

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
    this.value = parse('');
    this.check();
  }

  /** @returns true where the value is a new one. A file that is missing or can't be read counts as empty. */
  check(): boolean {
    const stamp = this.#readStamp();
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    this.value = this.#parse(this.#readText());
    return true;
  }

  /** @returns an empty one where there is nothing to read */
  #readStamp(): string {
    try {
      const stat = statSync(this.#path, { throwIfNoEntry: false });
      if (stat?.isFile() !== true || stat.size > MAX_FILE_LENGTH) return '';
      return `${stat.dev} ${stat.ino} ${stat.mtimeMs} ${stat.size}`;
    } catch {
      // The way to it may not be searched, or leads in a circle.
      return '';
    }
  }

  #readText(): string {
    if (this.#stamp === '') return '';
    try {
      return readFileSync(this.#path, 'utf8');
    } catch {
      return '';
    }
  }
}

export class SystemFiles {
  readonly #hosts: WatchedFile<Hosts>;
  readonly #resolvConf: WatchedFile<ResolvConf>;
  #nextCheckMs: number;

  constructor(hostsPath: string, resolvConfPath: string, nowMs: number) {
    this.#hosts = new WatchedFile(hostsPath, parseHosts);
    this.#resolvConf = new WatchedFile(resolvConfPath, parseResolvConf);
    this.#nextCheckMs = nowMs + CHECK_INTERVAL_MS;
  }

  get hosts(): Hosts {
    return this.#hosts.value;
  }

  get resolvConf(): ResolvConf {
    return this.#resolvConf.value;
  }

  /** Looks whether the files have changed, if the last look was long enough ago. @returns true where resolv.conf has */
  refresh(nowMs: number): boolean {
    if (nowMs < this.#nextCheckMs) return false;
    this.#nextCheckMs = nowMs + CHECK_INTERVAL_MS;
    this.#hosts.check();
    return this.#resolvConf.check();
  }
}
