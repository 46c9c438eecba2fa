/** What a reactor counts, for statistics. */

import type { Status } from './status.js';

/** Of one user of a server's ports, by name. */
export interface UserCounters {
  /** Ended ones, as those whose bytes are counted. */
  connections: number;
  /** Payload from the user to destinations. */
  bytesUp: number;
  /** Payload from destinations to the user. */
  bytesDown: number;
}

/** Of all sessions of one reactor. */
export class Counters {
  connections = 0;
  active = 0;
  /** Payload from the client to the destination. */
  bytesUp = 0;
  /** Payload from the destination to the client. */
  bytesDown = 0;
  readonly outcomes = new Map<Status, number>();
  readonly users = new Map<string, UserCounters>();

  /** Those of a user, made when they are first asked for: as many as the configuration has. */
  ofUser(name: string): UserCounters {
    const known = this.users.get(name);
    if (known !== undefined) return known;
    const counters = { connections: 0, bytesUp: 0, bytesDown: 0 };
    this.users.set(name, counters);
    return counters;
  }

  /** A session has ended. @param user undefined where it is nobody's */
  count(status: Status, up: number, down: number, user: string | undefined): void {
    this.active--;
    this.bytesUp += up;
    this.bytesDown += down;
    this.outcomes.set(status, (this.outcomes.get(status) ?? 0) + 1);
    if (user === undefined) return;
    const own = this.ofUser(user);
    own.connections++;
    own.bytesUp += up;
    own.bytesDown += down;
  }
}
