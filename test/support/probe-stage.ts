/**
 * A server with a port for each method, a target that nobody may reach, and what "held" means: no byte, no reset, and FIN at one time after
 * accept. Probes of all methods run side by side, since each of them takes as long as the deadline.
 */

import { expect } from 'chai';
import type { MethodName, ServerSettings } from '../../src/config/types.js';
import type { Running } from '../../src/umbra.js';
import { oracleAddress } from './aead-oracle.js';
import { DIALECTS, type Dialect, type Monologue } from './dialects.js';
import { endpoint, Stage } from './proxy-pair.js';
import { Listener, type Wire } from './wire.js';

/** From accept. */
export const PROBE_TIMEOUT_MS = 1000;
/** Between the server's clock at accept and the test's at connect. */
const TOLERANCE_MS = 200;
/** What a busy machine may add before the test's thread hears of the end. */
const LATENESS_MS = 2000;

/** A probe under way, and what to call it when it fails. */
export interface Probe {
  readonly what: string;
  readonly wire: Wire;
}

export class ProbeStage extends Stage {
  readonly #server: Running;
  /** Speaks first, so that even a connection without a byte would show. */
  readonly target: Listener;

  private constructor(server: Running, target: Listener) {
    super();
    this.#server = server;
    this.target = target;
    this.onClose(() => server.stop(0));
    this.onClose(() => target.close());
  }

  static async open(settings: Partial<ServerSettings> = {}): Promise<ProbeStage> {
    const listen = DIALECTS.map(({ method }) => endpoint(0, method));
    const server = await new Stage().server({ listen, probeTimeoutMs: PROBE_TIMEOUT_MS, ...settings });
    return new ProbeStage(server, await Listener.open((wire) => wire.send('never to be seen')));
  }

  portOf(method: MethodName): number {
    return this.#server.addresses[DIALECTS.findIndex((dialect) => dialect.method === method)].port;
  }

  async outcomes(): Promise<readonly string[]> {
    return Object.keys((await this.#server.statistics()).outcomes).sort();
  }

  async send(method: MethodName, bytes: Uint8Array): Promise<Wire> {
    const wire = await this.wire(this.portOf(method));
    if (bytes.length > 0) wire.send(bytes);
    return wire;
  }

  async probe(what: string, method: MethodName, bytes: Uint8Array): Promise<Probe> {
    return { what, wire: await this.send(method, bytes) };
  }

  /** What a client would say to reach the target, or another port of 127.0.0.1. */
  begin(dialect: Dialect, port = this.target.port): Monologue {
    return dialect.begin(oracleAddress('127.0.0.1', port), Buffer.from('payload'));
  }
}

/** Held to the deadline, and ended by FIN. */
export async function expectHeld({ what, wire }: Probe): Promise<void> {
  const end = await wire.end(PROBE_TIMEOUT_MS + 5000);
  expect([end, wire.receivedLength], what).to.deep.equal(['fin', 0]);
  expect(wire.lifeMs, what).to.be.within(
    PROBE_TIMEOUT_MS - TOLERANCE_MS,
    PROBE_TIMEOUT_MS + TOLERANCE_MS + LATENESS_MS,
  );
}

/** A function that runs the probes of a method, and those of all others with them the first time. */
type ProbesOf = (stage: ProbeStage, dialect: Dialect) => Promise<readonly Probe[]>;

/**
 * A test for each method of the table: that all of these probes are held, and the target hears of none.
 * @param title says what is held
 */
export function holdsForEachMethod(title: string, probesOf: ProbesOf, dialects = DIALECTS): void {
  describe(`holds ${title}`, () => {
    const probes = new Map<Dialect, readonly Probe[]>();
    let stage: ProbeStage;

    before(async () => {
      stage = await ProbeStage.open();
      for (const dialect of dialects) probes.set(dialect, await probesOf(stage, dialect));
    });

    after(() => stage.close());

    for (const dialect of dialects) {
      it(dialect.method, async () => {
        await Promise.all((probes.get(dialect) ?? []).map(expectHeld));
        expect(stage.target.wires, 'connections to the target').to.have.length(0);
      });
    }
  });
}
