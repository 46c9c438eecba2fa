/** What a configuration file says of plugins. They are not started yet, but a link that left them out would not work. */

import { readTextFile } from './find-file.js';
import { formatHostPort } from './host-port.js';
import { JsonDocument } from './json-document.js';
import type { LinkPlugin } from './ss-link.js';
import { DEFAULTS } from './types.js';

/** By `host:port` of their servers. @throws ConfigError */
export function readPlugins(path: string): ReadonlyMap<string, LinkPlugin> {
  const top = new JsonDocument(path, readTextFile(path).text).value();
  const plugins = new Map<string, LinkPlugin>();
  for (const entry of [top, ...listAt(top, 'servers'), ...listAt(top, 'shadowsocks')]) {
    const name = textAt(entry, 'plugin');
    if (name === '') continue;
    const host = textAt(entry, 'server') || textAt(entry, 'address');
    const port = valueAt(entry, 'server_port') ?? valueAt(entry, 'port') ?? valueAt(top, 'server_port');
    const address = { host, port: Number(port ?? DEFAULTS.serverPort) };
    plugins.set(formatHostPort(address), { name, options: textAt(entry, 'plugin_opts') });
  }
  return plugins;
}

function valueAt(object: unknown, key: string): unknown {
  return typeof object === 'object' && object !== null ? Reflect.get(object, key) : undefined;
}

function textAt(object: unknown, key: string): string {
  const value = valueAt(object, key);
  return typeof value === 'string' ? value : '';
}

function listAt(object: unknown, key: string): readonly unknown[] {
  const value = valueAt(object, key);
  return Array.isArray(value) ? value : [];
}
