/** The test vectors (test/vectors/vectors.json), typed, and the hexadecimal helpers that read them. */

import { readFileSync } from 'node:fs';

export interface AddressVector {
  readonly type: 'ipv4' | 'ipv6' | 'domain';
  readonly host: string;
  readonly port: number;
  /** ATYP, address, port. */
  readonly bytes: string;
}

export interface NegativeVector {
  readonly bytes: string;
  readonly expect: 'reject' | 'policy';
  readonly why: string;
}

export interface KeyVector {
  readonly password_utf8: string;
  readonly key_len: number;
  readonly key: string;
}

export interface SubkeyVector {
  readonly key: string;
  readonly salt: string;
  readonly info: string;
  readonly length: number;
  readonly subkey: string;
}

export interface NonceVector {
  readonly nonce_len: number;
  readonly counter: string;
  readonly nonce: string;
  readonly next: string;
}

interface Aead2017Secrets {
  readonly method: string;
  readonly password: string;
  readonly key: string;
  readonly salt: string;
  readonly subkey: string;
}

export interface Aead2017Chunk {
  readonly payload: string;
  readonly length_plain: string;
  readonly length_nonce: string;
  readonly length_ct: string;
  readonly payload_nonce: string;
  readonly payload_ct: string;
}

export interface Aead2017TcpVector extends Aead2017Secrets {
  readonly direction: 'request' | 'response';
  readonly note?: string;
  /** Requests only. */
  readonly target?: AddressVector;
  readonly chunks: readonly Aead2017Chunk[];
  readonly plaintext: string;
  readonly stream: string;
}

/** Long streams: the whole stream, or its head, tail and digest. */
export interface Aead2017LargeVector extends Aead2017Secrets {
  readonly note: string;
  readonly chunks: number;
  readonly stream?: string;
  readonly stream_len: number;
  readonly stream_sha256: string;
  readonly stream_head?: string;
  readonly stream_tail?: string;
}

export interface Aead2017TcpNegativeVector extends Aead2017Secrets {
  readonly stream: string;
  readonly expect: 'reject' | 'policy';
  readonly why: string;
}

export interface Aead2017UdpVector extends Aead2017Secrets {
  readonly direction: 'client_to_server' | 'server_to_client';
  readonly nonce: string;
  readonly address: AddressVector;
  readonly payload: string;
  readonly plaintext: string;
  readonly packet: string;
}

export interface Aead2017UdpNegativeVector extends Aead2017Secrets {
  readonly packet: string;
  readonly expect: 'reject' | 'policy';
  readonly why: string;
}

export interface StreamTcpVector {
  readonly method: string;
  readonly password: string;
  readonly key_len: number;
  readonly iv_len: number;
  readonly key: string;
  readonly iv: string;
  readonly plaintext: string;
  readonly stream: string;
}

export interface StreamUdpVector {
  readonly method: string;
  readonly password: string;
  readonly key: string;
  readonly iv: string;
  readonly plaintext: string;
  readonly packet: string;
}

export interface Blake3SubkeyVector {
  readonly method: string;
  readonly context_ascii: string;
  readonly psk: string;
  readonly salt: string;
  readonly subkey: string;
}

export interface Blake3HashVector {
  readonly psk: string;
  readonly blake3_first16: string;
}

/** A datagram of the 2022 edition. */
export interface Sip022PacketVector {
  readonly note?: string;
  readonly method: string;
  readonly upsk: string;
  readonly ipsks: readonly string[];
  readonly now: number;
  readonly timestamp: number;
  readonly session_id: string;
  readonly packet_id: string;
  /** Answers only. */
  readonly client_session_id?: string;
  readonly address: AddressVector;
  readonly padding: string;
  readonly payload: string;
  /** 24 random bytes with ChaCha20; with AES it follows from the ids. */
  readonly nonce: string;
  readonly packet: string;
}

export interface Sip022PacketNegativeVector extends Sip022PacketVector {
  readonly expect: 'reject' | 'policy';
  readonly why: string;
  readonly received_by: 'client' | 'server';
  /** With the same packet id; to be accepted after the bad one. */
  readonly good_packet?: string;
}

interface Sip022Stream {
  readonly method: string;
  readonly upsk: string;
  readonly salt: string;
  readonly now: number;
  readonly timestamp: number;
  readonly chunks: readonly { readonly payload: string }[];
  readonly stream: string;
}

interface Sip022RequestVector extends Sip022Stream {
  readonly note: string;
  readonly ipsks: readonly string[];
  readonly target: AddressVector;
  readonly padding: string;
  readonly initial_payload: string;
  readonly first_write: string;
}

interface Sip022ResponseVector extends Sip022Stream {
  readonly request_salt_expected: string;
  readonly first_payload: string;
  readonly first_write: string;
}

interface Sip022NegativeRequestVector extends Sip022Stream {
  readonly ipsks: readonly string[];
  readonly expect: 'reject';
  readonly why: string;
}

interface Sip022NegativeResponseVector extends Sip022Stream {
  readonly request_salt_expected: string;
  readonly expect: 'reject';
  readonly why: string;
}

/** Outline's mark on a server's salt. */
export interface ServerSaltVector {
  readonly secret_utf8: string;
  readonly salt_len: number;
  readonly salt: string;
  readonly is_server_salt: boolean;
}

export interface Vectors {
  readonly outline_server_salt: readonly ServerSaltVector[];
  readonly evp_bytes_to_key: readonly KeyVector[];
  readonly hkdf_subkey: readonly SubkeyVector[];
  readonly nonce_increment: readonly NonceVector[];
  readonly address: { readonly valid: readonly AddressVector[]; readonly negative: readonly NegativeVector[] };
  readonly aead2017: {
    readonly tcp: readonly Aead2017TcpVector[];
    readonly tcp_large: readonly Aead2017LargeVector[];
    readonly tcp_negative: readonly Aead2017TcpNegativeVector[];
    readonly udp: readonly Aead2017UdpVector[];
    readonly udp_negative: readonly Aead2017UdpNegativeVector[];
  };
  readonly stream: { readonly tcp: readonly StreamTcpVector[]; readonly udp: readonly StreamUdpVector[] };
  readonly sip022: {
    readonly subkey: readonly Blake3SubkeyVector[];
    readonly psk_hash: readonly Blake3HashVector[];
    readonly udp_client: readonly Sip022PacketVector[];
    readonly udp_server: readonly Sip022PacketVector[];
    readonly udp_negative: readonly Sip022PacketNegativeVector[];
    readonly tcp_request: readonly Sip022RequestVector[];
    readonly tcp_response: readonly Sip022ResponseVector[];
    readonly tcp_request_negative: readonly Sip022NegativeRequestVector[];
    readonly tcp_response_negative: readonly Sip022NegativeResponseVector[];
  };
}

let loaded: Vectors | undefined;

/** Reads the file once. Tests run from dist/test/support, the vectors stay in test/vectors. */
export function loadVectors(): Vectors {
  loaded ??= JSON.parse(
    readFileSync(new URL('../../../test/vectors/vectors.json', import.meta.url), 'utf8'),
  ) as Vectors;
  return loaded;
}

/** Bytes of a hexadecimal text; spaces are for the reader. Throws for what is no hexadecimal text. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replaceAll(' ', '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new RangeError(`not hexadecimal: ${text}`);
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

/** Lower-case hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}
