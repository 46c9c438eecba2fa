/**
 * Whose key a client of AEAD 2017 uses. The protocol does not say, so on a port with several passwords each of them is tried on the first
 * length, which comes sealed in 18 bytes. Those whose connections came last are tried first. A client that has none of the keys costs as much
 * as all of them, whoever he is: nothing but a right key ends the trial.
 */

import type { Region } from '../../../native-bindings/memory.js';
import { type OpeningKey, TAG_LENGTH } from '../../crypto/aead.js';
import { LENGTH_LENGTH } from '../chunk-format.js';
import type { Keyring } from '../keyring.js';
import type { SaltFilter } from '../salt-filter.js';

export interface User2017 {
  /** For counters and logs; undefined where there is one key for all. */
  readonly name: string | undefined;
  readonly keyring: Keyring;
  /** Of either direction. */
  readonly salts: SaltFilter;
}

/** The users of a port, on one reactor. */
export interface Users2017 {
  /** How much of a stream `find` looks at. */
  readonly wantedLength: number;
  /**
   * @param scratch some bytes of it are overwritten
   * @returns whose stream begins at `input[from]`; undefined where it is nobody's
   */
  find(input: Region, from: number, scratch: Region): User2017 | undefined;
  wipe(): void;
}

/** One key for all: whether it is the right one shows when the first length is opened. */
export class OnlyUser implements Users2017 {
  readonly wantedLength: number;
  readonly #user: User2017;

  constructor(keyring: Keyring, salts: SaltFilter) {
    this.wantedLength = keyring.saltLength;
    this.#user = { name: undefined, keyring, salts };
  }

  find(): User2017 {
    return this.#user;
  }

  wipe(): void {
    this.#user.keyring.wipe();
  }
}

export class TrialUsers implements Users2017 {
  readonly wantedLength: number;
  /** The one whose connection came last is the first. */
  readonly #users: User2017[];
  readonly #saltLength: number;
  readonly #key: OpeningKey;

  /** @param users at least one, all of one method */
  constructor(users: readonly User2017[]) {
    const [{ keyring }] = users;
    this.#users = [...users];
    this.#saltLength = keyring.saltLength;
    this.wantedLength = keyring.saltLength + LENGTH_LENGTH + TAG_LENGTH;
    this.#key = keyring.newOpeningKey();
  }

  find(input: Region, from: number, scratch: Region): User2017 | undefined {
    const users = this.#users;
    for (let i = 0; i < users.length; i++) {
      const user = users[i];
      user.keyring.rekeyOpening(this.#key, input, from);
      if (!this.#key.open(0, input, from + this.#saltLength, LENGTH_LENGTH, scratch, 0)) continue;
      for (let j = i; j > 0; j--) users[j] = users[j - 1];
      users[0] = user;
      return user;
    }
    return undefined;
  }

  wipe(): void {
    this.#key.release();
    for (const { keyring } of this.#users) keyring.wipe();
  }
}
