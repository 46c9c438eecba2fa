/**
 * `ss://` links, by which people hand servers to each other: SIP002, and the older form that is base64 as a whole.
 *
 *   ss://userinfo@host:port[/][?plugin=…][#tag]
 *
 * `userinfo` is `method:password` in base64url, or percent-encoded in both parts; the keys of 2022 methods are never base64 once more.
 */

import { formatHostPort, parseHostPort } from './host-port.js';
import { AEAD_2022_METHODS, type HostPort } from './types.js';

export interface SsLink extends HostPort {
  /** As written: it may be one that nobody knows. */
  readonly method: string;
  readonly password: string;
  readonly plugin?: LinkPlugin;
  /** What people call the server. */
  readonly tag?: string;
}

/** A SIP003 plugin. */
export interface LinkPlugin {
  readonly name: string;
  /** As the plugin takes them, its own escapes included; may be empty. */
  readonly options: string;
}

/** `problem` completes a sentence that starts with where the link came from; it shows nothing of the link's secrets. */
export type LinkResult = { readonly link: SsLink } | { readonly problem: string };

const SCHEME = /^ss:\/\//i;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

export function parseSsLink(text: string): LinkResult {
  const trimmed = text.trim();
  if (!SCHEME.test(trimmed)) return { problem: 'must be a link that starts with ss://' };
  const [beforeTag, tagText] = cut(trimmed.replace(SCHEME, ''), '#');
  const [beforeQuery, query] = cut(beforeTag, '?');
  const tag = tagText === undefined ? undefined : percentDecoded(tagText);
  if (tagText !== undefined && tag === undefined) return { problem: 'has a name behind # that is not percent-encoded' };
  const at = beforeQuery.lastIndexOf('@');
  const server = at < 0 ? legacyServer(beforeQuery) : sip002Server(beforeQuery.slice(0, at), beforeQuery.slice(at + 1));
  if ('problem' in server) return server;
  const plugin = pluginOf(query ?? '');
  if (plugin !== undefined && 'problem' in plugin) return plugin;
  return { link: { ...server, ...(plugin === undefined ? {} : { plugin }), ...(tag ? { tag } : {}) } };
}

/** By SIP002, in the form that its method asks for. */
export function formatSsLink({ method, password, plugin, tag, ...address }: SsLink): string {
  const is2022 = AEAD_2022_METHODS.some((known) => known === method.toLowerCase());
  const userinfo = is2022
    ? `${encodeURIComponent(method)}:${encodeURIComponent(password)}`
    : Buffer.from(`${method}:${password}`).toString('base64url');
  const pluginText = plugin === undefined ? '' : [plugin.name, plugin.options].filter((part) => part !== '').join(';');
  const query = pluginText === '' ? '' : `/?plugin=${encodeURIComponent(pluginText)}`;
  return `ss://${userinfo}@${formatHostPort(address)}${query}${tag ? `#${encodeURIComponent(tag)}` : ''}`;
}

type Server = Pick<SsLink, 'method' | 'password' | 'host' | 'port'>;

/** `base64(method:password@host:port)` */
function legacyServer(text: string): Server | { readonly problem: string } {
  const decoded = base64Decoded(text.replace(/\/$/, '')) ?? base64Decoded(text);
  const at = decoded?.lastIndexOf('@') ?? -1;
  if (decoded === undefined || at < 0) return { problem: 'has no "@" between the password and the server' };
  return serverOf(decoded.slice(0, at), decoded.slice(at + 1));
}

function sip002Server(userinfo: string, address: string): Server | { readonly problem: string } {
  const serverAddress = address.replace(/\/$/, '');
  if (userinfo.includes(':')) {
    const [method, password] = cut(userinfo, ':').map((part) => percentDecoded(part ?? ''));
    if (method === undefined || password === undefined) {
      return { problem: 'has a method or a password that is not percent-encoded' };
    }
    return serverOf(`${method}:${password}`, serverAddress);
  }
  // Some programs percent-encode the padding.
  const decoded = base64Decoded(percentDecoded(userinfo) ?? '');
  if (decoded === undefined)
    return { problem: 'has a method and password that are neither base64 nor percent-encoded' };
  return serverOf(decoded, serverAddress);
}

function serverOf(credentials: string, address: string): Server | { readonly problem: string } {
  const [method, password] = cut(credentials, ':');
  if (method === '' || password === undefined) return { problem: 'has no "method:password" in front of the server' };
  const { host, port } = parseHostPort(address) ?? {};
  if (!host || !port) return { problem: `names the server "${address}", which is not HOST:PORT` };
  return { method, password, host, port };
}

/** Other parameters are somebody else's. */
function pluginOf(query: string): LinkPlugin | { readonly problem: string } | undefined {
  const parameter = query.split('&').find((each) => each.startsWith('plugin='));
  if (parameter === undefined) return undefined;
  const text = percentDecoded(parameter.slice('plugin='.length));
  if (text === undefined) return { problem: 'has a plugin that is not percent-encoded' };
  const [name, options] = cut(text, ';');
  return name === '' ? undefined : { name, options: options ?? '' };
}

/** In two, at the first `separator`. */
function cut(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Either alphabet, padded or not. */
function base64Decoded(text: string): string | undefined {
  if (!BASE64.test(text)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64'));
  } catch {
    return undefined;
  }
}
