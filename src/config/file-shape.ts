/**
 * The keys of a configuration file that are served, with their types: one zod shape a level. From it come the checks, the
 * type of a loaded file and the JSON schema for editors. Each error text completes "… must be"; each description is what
 * docs/CONFIGURATION.md and an editor say of the key.
 */

import * as z from 'zod';

import { MAX_SECONDS, MAX_UDP_ASSOCIATIONS, MAX_WORKERS } from './bounds.js';
import { TRANSPORT_MODES } from './types.js';

/** Existing files have their numbers as strings too. */
const NUMBER_TEXT = /^\d{1,9}(?:\.\d{1,3})?$/;

const text = (expected: string) => z.string(expected).min(1);
const flag = () => z.boolean('true or false');
const number = (schema: z.ZodNumber, expected: string) =>
  z.union([schema, z.string().regex(NUMBER_TEXT, expected).transform(Number).pipe(schema)], expected);

const PORT = 'a port from 0 to 65535';
const port = () => number(z.int(PORT).min(0).max(0xffff), PORT);
const POSITIVE_SECONDS = `a number of seconds from 0.001 to ${MAX_SECONDS}`;
const positiveSeconds = () => number(z.number(POSITIVE_SECONDS).min(0.001).max(MAX_SECONDS), POSITIVE_SECONDS);
const SECONDS = `a number of seconds from 0 to ${MAX_SECONDS}`;
const seconds = () => number(z.number(SECONDS).min(0).max(MAX_SECONDS), SECONDS);
const THREADS = `a whole number from 1 to ${MAX_WORKERS}`;
const threads = () => number(z.int(THREADS).min(1).max(MAX_WORKERS), THREADS);

const host = () => text('a host name or an IP address, as a string');
const label = () => z.string('a string');
const secret = () => text('a string of at least one character');
const method = () => text('the name of a method, as a string');
const protocol = () => text('the name of a protocol, as a string');
const mode = () => z.enum(TRANSPORT_MODES, 'one of "tcp_only", "tcp_and_udp", "udp_only"');

const ASSOCIATIONS = `a whole number from 1 to ${MAX_UDP_ASSOCIATIONS}`;
const associations = () => number(z.int(ASSOCIATIONS).min(1).max(MAX_UDP_ASSOCIATIONS), ASSOCIATIONS);

const object = <T extends z.ZodRawShape>(shape: T) => z.object(shape, 'an object').partial();
const objects = <T extends z.ZodType>(item: T) => {
  const expected = 'an array of at least one object';
  return z.array(item, expected).min(1);
};

const PASSWORD_TEXT = `The password; \`"\${NAME}"\` takes it from the environment.`;

export const USER_SHAPE = {
  name: text('a name').describe('Stands for the user in logs and counters.'),
  password: secret().describe('The password of the user; with a 2022 method the key in base64.'),
};

const users = () =>
  objects(object(USER_SHAPE)).describe(
    'Server only: users of one port. With a 2022 method `password` is the identity key (SIP023); with AEAD 2017 each password is tried.',
  );

export const DESTINATION_SHAPE = {
  name: text('a name').describe('Stands for the destination in logs and counters. Default: its address.'),
  server: host().describe('Host name or IP address of the next hop. No egress policy holds for it.'),
  server_port: port().describe('Its port; as a string too. Default 8388.'),
  password: secret().describe(
    'The key in base64 by which clients name it: its identity key, or that of its only user.',
  ),
};

const destinations = () =>
  objects(object(DESTINATION_SHAPE)).describe(
    'Server only: makes it a hop of SIP023, whose clients reach these servers and nothing else. `password` is the identity key of the hop.',
  );

export const SERVER_SHAPE = {
  server: host().describe('Host name or IP address: the client connects to it, the server listens on it.'),
  address: host().describe('The same as `server`.'),
  server_port: port().describe('Port of the server; as a string too. Default: that of the top level.'),
  port: port().describe('The same as `server_port`.'),
  password: secret().describe(`${PASSWORD_TEXT} Default: that of the top level.`),
  key: text('a base64 string').describe('The raw key in base64 instead of a password.'),
  method: method().describe('The encryption method. Default: that of the top level.'),
  timeout: positiveSeconds().describe('As at the top level. One bound holds for all servers: the largest.'),
  remarks: label().describe('A label for logs.'),
  name: label().describe('The same as `remarks`.'),
  id: label().describe('An identifier that some programs write; the label where there is no other.'),
  disabled: flag().describe('`true` leaves this entry out.'),
  mode: mode().describe('As at the top level.'),
  users: users(),
  destinations: destinations(),
};

export const LOCAL_SHAPE = {
  protocol: protocol().describe(
    'As at the top level. An entry of a protocol that is not served is left out, with a warning.',
  ),
  local_address: host().describe('Address to listen on. Default: that of the top level, else `127.0.0.1`.'),
  local_port: port().describe('Port to listen on; as a string too. Default: that of the top level, else 1080.'),
  disabled: flag().describe('`true` leaves this entry out.'),
  mode: mode().describe('As at the top level.'),
  forward_address: host().describe('With `protocol` `tunnel`: host name or IP address that everything goes to.'),
  forward_port: port().describe('With `protocol` `tunnel`: the port.'),
  socks5_auth_config_path: text('the path of a file').describe(
    'File with the SOCKS5 users: `{"password": {"users": [{"user_name": "…", "password": "…"}]}}`.',
  ),
  http_auth_config_path: text('the path of a file').describe(
    'File with the users of the HTTP proxy: `{"basic": {"users": [{"user_name": "…", "password": "…"}]}}`.',
  ),
};

export const LOG_FORMAT_SHAPE = {
  without_time: flag().describe('Leaves the time out of log lines, for a journal that adds its own.'),
};

export const LOG_SHAPE = {
  level: z
    .int('a whole number from 0 to 9')
    .min(0)
    .max(9)
    .describe('As many `-v`: 0 warnings and errors, 1 a line a connection, 2 and more everything.'),
  format: object(LOG_FORMAT_SHAPE).describe('How a log line looks.'),
};

export const RUNTIME_SHAPE = {
  worker_count: threads().describe('Reactor threads. Goes before `workers`.'),
};

export const TOP_SHAPE = {
  $schema: label().describe('For editors; not read.'),
  server: z
    .union([host(), z.array(host()).min(1)], 'a host name or an IP address, or an array of them')
    .describe('Host name or IP address: the client connects to it, the server listens on it. Or an array of them.'),
  server_port: port().describe(
    'Port of the server; as a string too. Default 8388. An array of ports is not served yet: an error, which says what to do instead.',
  ),
  password: secret().describe(PASSWORD_TEXT),
  key: text('a base64 string').describe('The raw key in base64 instead of a password (`umbra genkey` makes one).'),
  method: method().describe('The encryption method. Default `chacha20-ietf-poly1305`.'),
  remarks: label().describe('A label for logs and links, of the server at the top level.'),
  port_password: z
    .record(z.string(), secret(), 'an object of ports and passwords')
    .describe('Server only: `{"8388": "password", …}`, several ports in place of `server_port` and `password`.'),
  servers: objects(object(SERVER_SHAPE)).describe(
    'Several servers: the client uses the first that can be reached, the server listens on all.',
  ),
  shadowsocks: objects(object(SERVER_SHAPE)).describe('The same as `servers`.'),
  local_address: host().describe('Client only: address to listen on. Default `127.0.0.1`.'),
  local_port: port().describe('Client only: port to listen on; as a string too. Default 1080.'),
  protocol: protocol().describe(
    'Client only: `mixed`, the default (`socks` and `http` on one port), `socks` (SOCKS5, 4 and 4a), `http`, `tunnel`. Others are not served yet.',
  ),
  locals: objects(object(LOCAL_SHAPE)).describe('Client only: several listeners.'),
  mode: mode().describe('`tcp_only` (default), `tcp_and_udp` or `udp_only`.'),
  users: users(),
  destinations: destinations(),
  allow_insecure_ciphers: flag().describe(
    'Lets `method` be one of the old stream ciphers, or `none`. Default `false`.',
  ),
  udp_timeout: positiveSeconds().describe('Seconds after which an idle UDP association is ended. Default 300.'),
  udp_max_associations: associations().describe(
    'UDP associations of one port at most; the oldest idle one goes. Default 4096.',
  ),
  timeout: positiveSeconds().describe('Seconds that the handshake and each connect may take. Default 5.'),
  idle_timeout: seconds().describe('Seconds after which a relay that moved nothing is ended; 0: never. Default 0.'),
  drain_timeout: seconds().describe('Seconds that live relays may go on after SIGINT or SIGTERM. Default 10.'),
  probe_timeout: seconds().describe(
    'Server only: seconds from accept for which a connection that failed to authenticate is read and discarded; 0: for ever. Default 60.',
  ),
  egress_allow: z
    .array(text('a CIDR block, as a string'), 'an array of CIDR blocks')
    .describe(
      'Server only: blocks that may be reached although they are loopback, private, link-local, multicast or unspecified.',
    ),
  no_delay: flag().describe('TCP_NODELAY on every connection. Default `true`.'),
  keep_alive: seconds().describe('Idle seconds before the first TCP keep-alive probe; 0: none. Default 15.'),
  dns: z
    .union([z.string(), z.record(z.string(), z.unknown())], 'a string')
    .describe(
      '`system` (default), `google`, `cloudflare`, `quad9`, or `[udp://]ip[:port],…` (a link-local one with its interface: `fe80::1%eth0`). Others are not served yet: a warning, and `system`; with `--dns` an error.',
    ),
  nameserver: text('the IP address of a name server').describe(
    'The same, as shadowsocks-libev has it; `dns` goes before it.',
  ),
  ipv6_first: flag().describe('Tries the IPv6 addresses of a name first. Default `false`.'),
  workers: threads().describe('Reactor threads. Default: server one per core, client 1.'),
  log: object(LOG_SHAPE).describe('What is logged, and how.'),
  runtime: object(RUNTIME_SHAPE).describe('Threads.'),
};

export const FILE_SHAPE = object(TOP_SHAPE);

/** A configuration file whose types are right; what its values mean together is checked by `resolve-*.ts`. */
export type FileConfig = z.output<typeof FILE_SHAPE>;
export type FileServer = NonNullable<FileConfig['servers']>[number];
export type FileLocal = NonNullable<FileConfig['locals']>[number];
