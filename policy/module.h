/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * module.h - policies as loadable modules: found, checked, called with care
 */
#ifndef VC_POLICY_LOAD_H
#define VC_POLICY_LOAD_H

#include <stddef.h>

#include "common/cleanup.h"
#include "common/err.h"
#include "policy/vc-policy.h"

struct policy_set;

/*
 * path: absolute directories separated by ':', searched in order, those missing
 * passed by; NULL: the built-in one. Loads nothing yet: a module is loaded when it
 * is first named.
 * Each of its directories and files, and all directories above (sticky ones excepted),
 * must belong to root (or the caller's uid) and be writable by nobody else, since the
 * daemon will run what they hold.
 */
int policy_set_new(const char *path, struct policy_set **ret, struct vc_err *err);
void policy_set_free(struct policy_set *set);
DEFINE_CLEANUP(struct policy_set *, policy_set_freep, policy_set_free);

/*
 * The policy of that name, loaded and checked: name well formed, symbol there,
 * api equal, struct large enough for what we need, required members set.
 * leastcpu is also linked in, and so is always to be had: when no directory holds
 * a sound one, that is the result. The result lives as long as the set; it is our
 * own copy, whole whatever size the module's struct has, summary never NULL.
 * -EINVAL: no name for a policy. -ENOENT names the ones that exist. -EPERM: file or
 * directory could be changed by others. -ENOEXEC: the module is faulty.
 */
int policy_get(struct policy_set *set, const char *name, const struct vc_policy **ret,
	       struct vc_err *err);

/* The policy to fall back on: leastcpu, linked in. */
const struct vc_policy *policy_fallback(void);

/*
 * Asks the policy (rebalance when view->current >= 0, no move was ordered and it has one,
 * place otherwise) and checks the answer: an index within the view, of a partition that is up,
 * or the one that an ordered move leaves: the job stays. On a fault: asks the fallback, writes what
 * went wrong to err (code set) and still returns its index. -EAGAIN: no partition is up. A place()
 * that answers -1 is a decision ("none is fit"): the fallback decides, err says so.
 * A rebalance() that answers -1 leaves the job: view->current is the result, and no
 * fault, while that partition is up. err is untouched when all is well.
 */
int policy_place(const struct vc_policy *policy, const struct vc_view *view, struct vc_err *err);

/* The names and summaries of all sound modules, sorted; for vcctl list and completion.
 * Loads them; passes faulty ones by. The caller frees the array, not what it points
 * to, which lives as long as the set. */
struct policy_info {
	const char *name;
	const char *summary;
};
int policy_list(struct policy_set *set, struct policy_info **ret, size_t *ret_n,
		struct vc_err *err);

#endif
