/**
 * What a connection of an unknown client costs a port of AEAD 2017 with many users, and one of the user who was tried last: `node
 * dist/test/bench/trial-users.js`. Medians of many calls on one thread, on whatever machine this is.
 */

import { randomBytes } from 'node:crypto';
import { Region } from '../../native-bindings/memory.js';
import { AEAD_2017_METHODS, MAX_TRIAL_USERS } from '../../src/config/types.js';
import { createSubkeyDerivation } from '../../src/crypto/hkdf.js';
import { loadLibsodium } from '../../src/crypto/libsodium-cipher.js';
import { keyFromPassword } from '../../src/crypto/master-key.js';
import { METHODS } from '../../src/crypto/methods.js';
import { createRandomSource } from '../../src/crypto/random.js';
import { TrialUsers } from '../../src/shadowsocks/aead-2017/users.js';
import { Keyring } from '../../src/shadowsocks/keyring.js';
import { FORGETFUL } from '../support/salt-filters.js';

const ROUNDS = 200;

await loadLibsodium();
const derivation = createSubkeyDerivation();
const random = createRandomSource();
const input = new Region(4096);
const output = new Region(4096);
for (const method of AEAD_2017_METHODS) {
  const facts = METHODS[method];
  const users = Array.from({ length: MAX_TRIAL_USERS }, (_, i) => ({
    name: `${i}`,
    keyring: new Keyring(facts, keyFromPassword(`${i}`, facts.keyLength), derivation, random),
    salts: FORGETFUL,
  }));
  const trial = new TrialUsers(users);
  const tookMs = Array.from({ length: ROUNDS }, () => {
    input.bytes.set(randomBytes(trial.wantedLength));
    const startMs = performance.now();
    trial.find(input, 0, output);
    return performance.now() - startMs;
  }).sort((a, b) => a - b);
  const [leastMs, medianMs] = [tookMs[0], tookMs[ROUNDS / 2]];
  process.stdout.write(
    `${method}: ${users.length} users, unknown client: median ${medianMs.toFixed(2)} ms, least ${leastMs.toFixed(2)} ms\n`,
  );
  trial.wipe();
}
input.release();
output.release();
