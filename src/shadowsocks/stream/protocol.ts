/** The methods without authentication, as clients and servers know a protocol. */

import { type ClientProtocol, type ServerProtocol, Stream } from '../protocol.js';
import type { UnauthenticatedKeyring } from './keyring.js';
import { UnauthenticatedRequestReader } from './request-reader.js';
import { UnauthenticatedOpener } from './stream-opener.js';
import { UnauthenticatedSealer } from './stream-sealer.js';

/** @param keyring becomes the protocol's */
export function unauthenticatedClient(keyring: UnauthenticatedKeyring): ClientProtocol {
  return {
    connect: (target) =>
      new Stream(new UnauthenticatedSealer(keyring, target), new UnauthenticatedOpener(keyring, 'server')),
    wipe: () => keyring.wipe(),
  };
}

/** @param keyring becomes the protocol's */
export function unauthenticatedServer(keyring: UnauthenticatedKeyring): ServerProtocol {
  return {
    newRequest: () => new UnauthenticatedRequestReader(keyring),
    wipe: () => keyring.wipe(),
  };
}
