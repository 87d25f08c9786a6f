// Which keys belong to which groups, in both directions: the pods that name a claim, the claims that wait for a class.

export class KeyGroups {
  /** Only keys that are in a group. */
  private readonly groupsOf = new Map<string, readonly string[]>();
  private readonly members = new Map<string, Set<string>>();

  /** Replaces the groups of the key; none removes it. Returns the groups that it was in before. */
  set(key: string, groups: readonly string[]): readonly string[] {
    const before = this.groupsOf.get(key) ?? [];
    for (const group of before) this.drop(group, key);
    for (const group of groups) this.members.set(group, (this.members.get(group) ?? new Set()).add(key));
    if (groups.length > 0) this.groupsOf.set(key, groups);
    else this.groupsOf.delete(key);
    return before;
  }

  /** The keys of the group, as a list of their own: the group may change while a caller walks over it. */
  in(group: string): readonly string[] {
    return [...(this.members.get(group) ?? [])];
  }

  private drop(group: string, key: string): void {
    const keys = this.members.get(group);
    keys?.delete(key);
    if (keys?.size === 0) this.members.delete(group);
  }
}
