import * as pol from '../abi/policy.js';
import { ZX_ERR_ALREADY_EXISTS, ZX_ERR_NOT_SUPPORTED, type Status } from '../abi/status.js';

const CONDITIONS = pol.ZX_POL_AMBIENT_MARK_VMO_EXEC + 1;

/** One rule, as `zx_policy_basic_v2_t` has it. */
export interface PolicyRule {
  /** `ZX_POL_*` */
  readonly condition: number;
  /** `ZX_POL_ACTION_*` */
  readonly action: number;
  /** Whether jobs below may have another action. */
  readonly overridable: boolean;
}

/**
 * What processes of a job may do; jobs inherit it and can only change what was left open. Never changed, only extended.
 *
 * @see Zircon `zx_job_set_policy`
 */
export class JobPolicy {
  /** Everything is allowed, and may be changed. */
  static readonly OPEN = new JobPolicy(
    new Uint8Array(CONDITIONS).fill(pol.ZX_POL_ACTION_ALLOW),
    new Uint8Array(CONDITIONS).fill(1),
  );

  private constructor(
    private readonly actions: Uint8Array,
    private readonly overridable: Uint8Array,
  ) {}

  /** What happens under a condition (`ZX_POL_*`, not NEW_ANY). */
  actionOf(condition: number): number {
    return this.actions[condition];
  }

  /**
   * This policy with rules on top.
   *
   * @param absolute a rule that contradicts what cannot be changed is an error; otherwise it is passed over
   * @returns the new policy; ZX_ERR_NOT_SUPPORTED: a condition or action that does not exist; ZX_ERR_ALREADY_EXISTS: see `absolute`
   */
  extended(rules: readonly PolicyRule[], absolute: boolean): JobPolicy | Status {
    const next = new JobPolicy(this.actions.slice(), this.overridable.slice());
    for (const rule of rules) {
      if (rule.condition >= CONDITIONS || rule.action > pol.ZX_POL_ACTION_KILL) return ZX_ERR_NOT_SUPPORTED;
      const all = rule.condition === pol.ZX_POL_NEW_ANY;
      const first = all ? pol.ZX_POL_NEW_VMO : rule.condition;
      const last = all ? pol.ZX_POL_NEW_PAGER : rule.condition;
      for (let condition = first; condition <= last; condition += 1) {
        if (!this.admits(condition, rule)) {
          if (absolute) return ZX_ERR_ALREADY_EXISTS;
          continue;
        }
        next.actions[condition] = rule.action;
        next.overridable[condition] = rule.overridable && this.overridable[condition] === 1 ? 1 : 0;
      }
    }
    return next;
  }

  private admits(condition: number, rule: PolicyRule): boolean {
    return this.overridable[condition] === 1 || this.actions[condition] === rule.action;
  }
}
