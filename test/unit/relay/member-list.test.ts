/** Lists of who is there: their order, and that leaving is possible from anywhere, once. */

import { expect } from 'chai';
import fc from 'fast-check';
import { Member, MemberList } from '../../../src/relay/member-list.js';

describe('a list of members', () => {
  it('is what a Set is, whoever comes and goes', () => {
    const steps = fc.array(fc.record({ leaves: fc.boolean(), which: fc.nat(9) }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const members = Array.from({ length: 10 }, (_, i) => new Member(i));
        const list = new MemberList<number>();
        const model = new Set<number>();
        for (const { leaves, which } of all) {
          if (leaves) expect(list.delete(members[which])).to.equal(model.delete(which));
          else if (!model.has(which)) {
            list.add(members[which]);
            model.add(which);
          }
          expect(list.all()).to.deep.equal([...model]);
          expect([list.size, list.oldest]).to.deep.equal([model.size, [...model][0]]);
        }
      }),
    );
  });

  it('does not know the members of another list', () => {
    const [first, second] = [new MemberList<string>(), new MemberList<string>()];
    const member = new Member('ann');
    first.add(member);
    expect(second.delete(member)).to.equal(false);
    expect(first.all()).to.deep.equal(['ann']);
    expect(first.delete(member)).to.equal(true);
    second.add(member);
    expect([first.all(), second.all()]).to.deep.equal([[], ['ann']]);
  });

  it('can be walked over while its members leave', () => {
    const list = new MemberList<number>();
    const members = [1, 2, 3].map((owner) => new Member(owner));
    for (const member of members) list.add(member);
    const seen = list.all().map((owner, i) => {
      list.delete(members[i]);
      return owner;
    });
    expect([seen, list.size, list.oldest]).to.deep.equal([[1, 2, 3], 0, undefined]);
  });
});
