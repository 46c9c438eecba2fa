/**
 * Who is there, in the order in which they came. A Set would do, but for what it leaves to the garbage collector: one that is added to and deleted from
 * all the time makes a new table every few dozen additions, and an old table keeps the new one, and the members that it had, from being
 * collected as long as it has not been itself. Connections that lived for milliseconds were so copied once, moved among the old
 * objects, and collected much later.
 */

/** A place in a list, kept by whoever takes it. */
export class Member<T> {
  readonly owner: T;
  /** Where it is; of interest to that list alone, as the next two. */
  list: MemberList<T> | undefined = undefined;
  older: Member<T> | undefined = undefined;
  newer: Member<T> | undefined = undefined;

  constructor(owner: T) {
    this.owner = owner;
  }
}

export class MemberList<T> {
  size = 0;
  #oldest: Member<T> | undefined = undefined;
  #newest: Member<T> | undefined = undefined;

  get oldest(): T | undefined {
    return this.#oldest?.owner;
  }

  /** @param member that is in no list */
  add(member: Member<T>): void {
    member.list = this;
    member.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = member;
    else this.#newest.newer = member;
    this.#newest = member;
    this.size++;
  }

  /** @returns false where it was not in this list */
  delete(member: Member<T>): boolean {
    if (member.list !== this) return false;
    const { older, newer } = member;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    member.list = undefined;
    member.older = undefined;
    member.newer = undefined;
    this.size--;
    return true;
  }

  /** Those who are there now: they may leave while the array is walked over. */
  all(): T[] {
    const owners: T[] = [];
    for (let member = this.#oldest; member !== undefined; member = member.newer) owners.push(member.owner);
    return owners;
  }
}
