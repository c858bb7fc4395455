/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * module.h - policies as loadable modules
 */
#ifndef VC_POLICY_MODULE_H
#define VC_POLICY_MODULE_H

#include <stddef.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "policy/vc-policy.h"

struct policy_set;

/*
 * path: absolute directories separated by ':', searched in order; missing ones are skipped. NULL:
 * the built-in path. A module is loaded when it is first named. Its directory and file, and all
 * directories above (except sticky ones), must belong to root (or to the caller's uid) and must not
 * be writable by others, because the daemon runs it.
 */
int policy_set_new(const char *path, struct policy_set **ret, struct vc_err *err);
void policy_set_free(struct policy_set *set);
DEFINE_CLEANUP(struct policy_set *, policy_set_freep, policy_set_free);

/*
 * Returns the policy of that name after these checks: the name is well formed, the symbol exists,
 * api is equal, the struct is large enough, required members are set. leastcpu is also linked in:
 * it is the result if no directory has a valid one. The result lives as long as the set. It is a
 * copy of full size, also if the module's struct is smaller; its summary is never NULL. -EINVAL:
 * not a policy's name. -ENOENT: err lists the existing names. -EPERM: another user can change the
 * file or a directory. -ENOEXEC: the module is invalid.
 */
int policy_get(struct policy_set *set, const char *name, const struct vc_policy **ret,
	       struct vc_err *err);

/* Returns the fallback: leastcpu, linked in. */
const struct vc_policy *policy_fallback(void);

/*
 * Asks the policy, and returns the index of a partition. It asks rebalance() if view->current >= 0,
 * no move was ordered, and the policy has one; else place(). The answer must be an index in the
 * view of a partition that is up, or the partition that an ordered move leaves (the job stays).
 * After a wrong answer, the fallback is asked, and err says why (code set). -1 of place() means
 * that no partition fits: then the fallback decides, and err says so. -1 of rebalance() means that
 * the job stays: view->current is the result if that partition is up. -EAGAIN: no partition is up.
 * Otherwise err is untouched.
 */
int policy_place(const struct vc_policy *policy, const struct vc_view *view, struct vc_err *err);

/* Lists the names and summaries of all valid modules, sorted, for vcctl list and completion. Loads
 * them, and skips invalid ones. The caller frees the array; the strings live as long as the set. */
struct policy_info {
	const char *name;
	const char *summary;
};
int policy_list(struct policy_set *set, struct policy_info **ret, size_t *ret_n,
		struct vc_err *err);

#endif
