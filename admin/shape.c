// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * shape.c - makes and shows a change of partitions
 *
 * This process makes the change itself, with the instance's lock, so that no daemon is needed and
 * no event loop waits. If it is interrupted, the change is undone.
 */
#include "admin/priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "partition/partition.h"

#define SHAPE_LIST_MAX 1024 /* bytes of a list of CPUs or nodes */

struct reshape_claim shape_claim(const struct admin *admin)
{
	unsigned int msec = admin->deadline_msec ? admin->deadline_msec : RESHAPE_DEADLINE_MSEC;

	return (struct reshape_claim){ .rank = RESHAPE_RANK_TIME,
				       .deadline_usec = clock_mono_usec() + (uint64_t)msec * 1000,
				       .cancel = cancel_flag() };
}

int shape_open(const struct admin *admin, const struct reshape_claim *claim, struct instance **ret,
	       struct cg **ret_cg, int *ret_lock, struct vc_err *err)
{
	_cleanup_(instance_freep) struct instance *in = NULL;
	_cleanup_(cg_freep) struct cg *cg = NULL;
	int r = instance_open(admin->state_dir, &in, err);

	if (r == 0)
		r = cg_open(NULL, in->cgroup_base, &cg, err);
	if (r == 0 && !admin->dry_run)
		r = reshape_lock(in, cg, claim, ret_lock, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(in);
	*ret_cg = steal_ptr(cg);
	return 0;
}

static void shape_done(struct admin_change *change)
{
	for (size_t i = 0; i < change->n; i++) {
		spec_done(&change->before[i].spec);
		spec_done(&change->after[i].spec);
	}
	free(change->before);
	free(change->after);
}

/* What the configuration asks for. */
static int shape_want(const struct partition_spec *spec, struct admin_shape *ret)
{
	spec_done(&ret->spec);
	ret->mode = spec_mode_name(spec->mode);
	ret->sharing = spec_sharing_name(spec);
	return spec_copy(spec, &ret->spec);
}

static int shape_set_list(char **list, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*list);
	*list = copy;
	return 0;
}

/* What the kernel says, and the configuration where the kernel's files cannot be read. */
static int shape_read(struct cg *cg, const struct partition_spec *spec, struct admin_shape *ret)
{
	char cpus[SHAPE_LIST_MAX], mems[SHAPE_LIST_MAX];
	enum cg_exclusive exclusive;
	enum cg_memory_hold hold;
	struct cg_memory memory;
	int r = shape_want(spec, ret);

	if (r == 0 &&
	    cg_cpus_get(cg, spec->name, cpus, sizeof(cpus), mems, sizeof(mems), NULL) == 0) {
		r = shape_set_list(&ret->spec.cpus, cpus);
		if (r == 0)
			r = shape_set_list(&ret->spec.mems, mems);
	}
	if (cg_memory_read(cg, spec->name, &memory) == 0)
		ret->spec.memory_bytes = memory.limit_bytes;
	if (cg_cpus_get_exclusive(cg, spec->name, spec->exclusive, &exclusive) == 0)
		ret->sharing = partition_exclusive_name(exclusive);
	if (cg_hold_get(cg, spec->name, &hold) == 0)
		ret->mode = partition_hold_name(hold);
	return r;
}

/* Fills before with the present partitions and after with what is wanted. cg NULL: before is what
 * the configuration asks for. */
static int shape_begin(const struct instance *in, struct cg *cg, const struct partition_spec *after,
		       size_t n, struct admin_change *ret, struct vc_err *err)
{
	int r = 0;

	*ret = (struct admin_change){ .before = calloc(n + 1, sizeof(*ret->before)),
				      .after = calloc(n + 1, sizeof(*ret->after)) };
	if (!ret->before || !ret->after)
		return err_sys(err, ENOMEM, "partitions");
	for (ret->n = 0; r == 0 && ret->n < n; ret->n++) {
		const struct partition_spec *wanted = &after[ret->n];
		int at = instance_find(in, wanted->name);
		const struct partition_spec *now = at < 0 ? wanted : &in->config->parts[at];

		r = cg ? shape_read(cg, now, &ret->before[ret->n])
		       : shape_want(now, &ret->before[ret->n]);
		if (r == 0)
			r = shape_want(wanted, &ret->after[ret->n]);
	}
	return r < 0 ? err_sys(err, -r, "partitions") : 0;
}

int admin_preview(const struct admin *admin, const struct instance *in,
		  const struct partition_spec *after, size_t n, struct vc_err *err)
{
	_cleanup_(shape_done) struct admin_change change;
	int r = shape_begin(in, NULL, after, n, &change, err);

	change.dry_run = true;
	if (r == 0)
		admin->show_change(&change);
	return r;
}

int shape_change(const struct admin *admin, struct instance *in, struct cg *cg,
		 const struct shape_order *order, struct vc_err *err)
{
	const struct reshape_how how = {
		.cause = order->cause,
		.deadline_usec = order->claim->deadline_usec,
		.lock = order->lock,
		.rank = order->claim->rank,
		.progress = admin->show_shrinking,
		.cancel = cancel_flag(),
	};
	_cleanup_(shape_done) struct admin_change change = { .n = 0 };
	int r = reshape_check(in, order->after, order->n, err);

	if (r < 0)
		return r;
	if (admin->dry_run) {
		r = reshape_check_fit(in, cg, order->after, order->n, err);
		return r < 0 ? r : admin_preview(admin, in, order->after, order->n, err);
	}
	r = shape_begin(in, cg, order->after, order->n, &change, err);
	if (r < 0)
		return r;
	cancel_catch();
	r = order->event ? plan_go(in, cg, order->event, &how, &change.report, err)
			 : reshape_run(in, cg, order->after, order->n, &how, &change.report, err);
	if (r < 0) {
		err_add(err, "nothing has changed");
		return r;
	}
	for (size_t i = 0; i < change.n; i++)
		shape_read(cg, &order->after[i], &change.after[i]);
	admin->show_change(&change);
	if (change.report.n_changed > 0)
		say_obtained(admin, cg, order->after, order->n);
	return 0;
}
