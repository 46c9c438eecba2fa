/** Timers against the naive model: a map from timer to deadline, searched in full. */

import { expect } from 'chai';
import fc from 'fast-check';
import { Timer, Timers } from '../../src/reactor/timers.js';

const TIMERS = 12;

/** Forty durations: more than the lists that are kept without a sweep. */
const duration = fc.oneof(
  fc.constantFrom(10, 60, 300),
  fc.integer({ min: 1, max: 37 }).map((n) => n * 7),
);
const which = fc.nat({ max: TIMERS - 1 });
const command = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('arm' as const), which, duration }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 150 }) }) },
);
/** What a timer does when it expires: nothing, arm itself again, or cancel or arm another. */
const reaction = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'none' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const), duration }) },
);

interface Armed {
  readonly deadlineMs: number;
  readonly durationMs: number;
  readonly order: number;
}

describe('timers, against a naive model', () => {
  it('expire the same ones at the same time, and in order within a duration', () => {
    const property = fc.property(
      fc.array(command, { maxLength: 120 }),
      fc.array(reaction, { minLength: TIMERS, maxLength: TIMERS }),
      (commands, reactions) => {
        const timers = new Timers();
        const model = new Map<number, Armed>();
        let nowMs = 0;
        let order = 0;
        let fired: number[] = [];
        const arm = (index: number, durationMs: number): void => {
          timers.arm(all[index], durationMs, nowMs);
          model.set(index, { deadlineMs: nowMs + durationMs, durationMs, order: order++ });
        };
        const all = reactions.map(
          (reacts, index) =>
            new Timer({
              handleTimeout: () => {
                fired.push(index);
                const armed = model.get(index);
                expect(armed?.deadlineMs).to.be.at.most(nowMs);
                // Within its duration, nothing that is older is still armed.
                for (const other of model.values()) {
                  if (other.durationMs === armed?.durationMs) expect(other.order).to.be.at.least(armed.order);
                }
                model.delete(index);
                if (reacts.kind === 'again') arm(index, reacts.duration);
              },
              handleFailure: (error) => {
                throw error;
              },
            }),
        );

        for (const step of commands) {
          switch (step.kind) {
            case 'arm':
              arm(step.which, step.duration);
              break;
            case 'cancel':
              timers.cancel(all[step.which]);
              model.delete(step.which);
              break;
            case 'pass': {
              nowMs += step.ms;
              fired = [];
              const due = [...model].filter(([, { deadlineMs }]) => deadlineMs <= nowMs).map(([index]) => index);
              timers.expire(nowMs);
              expect(fired.sort()).to.deep.equal(due.sort());
              break;
            }
            default:
              step satisfies never;
          }
          const deadlines = [...model.values()].map(({ deadlineMs }) => deadlineMs);
          expect(timers.nextDeadlineMs()).to.equal(Math.min(...deadlines));
          expect(timers.count()).to.equal(model.size);
          expect(all.map((timer) => timer.armed)).to.deep.equal(all.map((_, index) => model.has(index)));
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
