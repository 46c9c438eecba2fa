/** `umbra url` and `ssurl`: servers as `ss://` links and QR codes, and back. */

import { ConfigError } from '../config/config-error.js';
import { formatHostPort } from '../config/host-port.js';
import { loadLocal } from '../config/load.js';
import { formatSsLink, type LinkPlugin, parseSsLink, type SsLink } from '../config/ss-link.js';
import type { ShadowsocksEndpoint } from '../config/types.js';
import type { Command } from './command.js';
import { LATER_URL_FLAGS, URL_FLAGS } from './flags.js';
import type { FlagValues } from './parse-flags.js';
import { UsageError } from './usage-error.js';

export const urlCommand: Command = {
  summary: 'Print the servers of a configuration as ss:// links, or what a link says as a configuration.',
  flags: URL_FLAGS,
  later: LATER_URL_FLAGS,
  async run(_program, values) {
    const wantsLink = values.has('encode') || values.has('server-addr');
    if (wantsLink === values.has('decode')) {
      throw new UsageError('Use either -e FILE or -s HOST:PORT to print links, or -d LINK to read one.');
    }
    const printed = wantsLink ? await encode(values) : await decode(values);
    for (const { text, link } of printed) {
      process.stdout.write(`${text}\n`);
      if (values.has('qrcode')) process.stdout.write(await renderCode(link));
    }
    return 0;
  },
};

interface Printed {
  readonly text: string;
  readonly link: string;
}

/** One link a server. */
async function encode(values: FlagValues): Promise<Printed[]> {
  const configPath = values.text('encode');
  const { settings } = await loadLocal({
    configPath,
    flags: {
      server: values.text('server-addr'),
      password: await secretOf(values, 'password'),
      method: values.text('encrypt-method'),
      // A link starts nothing: whoever uses it has to allow it.
      values: { allow_insecure_ciphers: true },
    },
    environment: process.env,
    workingDirectory: process.cwd(),
  });
  const plugins = configPath === undefined ? new Map<string, LinkPlugin>() : await pluginsOf(configPath);
  return settings.servers.map((server) => {
    const link = formatSsLink(linkOf(server, values.text('name'), plugins.get(formatHostPort(server))));
    return { text: link, link };
  });
}

function linkOf(server: ShadowsocksEndpoint, tag: string | undefined, plugin: LinkPlugin | undefined): SsLink {
  const { host, port, method, password, key, name } = server;
  if (key !== undefined) {
    throw new ConfigError([
      `${formatHostPort(server)} has a raw "key", for which a link has no place: use a password.`,
    ]);
  }
  const label = tag ?? name;
  return {
    ...{ host, port, method, password },
    ...(label === undefined ? {} : { tag: label }),
    ...(plugin === undefined ? {} : { plugin }),
  };
}

async function pluginsOf(path: string): Promise<ReadonlyMap<string, LinkPlugin>> {
  const { readPlugins } = await import('../config/plugins-file.js');
  return readPlugins(path);
}

async function decode(values: FlagValues): Promise<Printed[]> {
  const text = (await secretOf(values, 'decode')) ?? '';
  const result = parseSsLink(text);
  if ('problem' in result) throw new UsageError(`--decode ${result.problem}.`);
  return [{ text: JSON.stringify(configurationOf(result.link), null, 2), link: text }];
}

/** As a file has it. */
function configurationOf({ host, port, method, password, plugin, tag }: SsLink): Record<string, string | number> {
  return {
    server: host,
    server_port: port,
    // Without encryption there is none.
    ...(password === '' ? {} : { password }),
    method,
    ...(plugin === undefined ? {} : { plugin: plugin.name }),
    ...(plugin === undefined || plugin.options === '' ? {} : { plugin_opts: plugin.options }),
    ...(tag === undefined ? {} : { remarks: tag }),
  };
}

/** The value of a flag that others need not see in a list of processes: "-" asks for it, or reads a line of standard input. */
async function secretOf(values: FlagValues, name: string): Promise<string | undefined> {
  const text = values.text(name);
  if (text !== '-') return text;
  const { readPassword } = await import('./prompt.js');
  return readPassword();
}

async function renderCode(link: string): Promise<string> {
  const { qrCode } = await import('./qr-code.js');
  return qrCode(link, process.stdout.isTTY === true);
}
