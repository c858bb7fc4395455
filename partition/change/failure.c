// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * failure.c - when a partition has failed
 */
#include "partition/change/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/proc.h"
#include "common/statedir.h"
#include "common/trust.h"
#include "partition/cgroup/cgroup.h"
#include "partition/config/config.h"
#include "partition/cpulist.h"

struct slot {
	_Atomic uint32_t happened[FAILURE_N_KINDS];
	_Atomic uint32_t taken[FAILURE_N_KINDS];
	_Atomic uint32_t witness_pid;
	_Atomic uint64_t witness; /* proc_identity(); 0: none */
};

struct layout {
	struct slot slots[PARTITIONS_MAX];
};

struct failure_notes {
	struct layout *map;
};

/* --- the kinds ------------------------------------------------------------------------------ */

static bool failure_cpus_are_gone(const struct failure_look *look,
				  const struct partition_spec *spec, struct failure_watch *watch,
				  uint64_t now_usec)
{
	struct cpulist cpus, online;
	char text[4096];

	if (cpulist_parse(spec->cpus, &cpus) < 0 ||
	    file_read(look->root, "sys/devices/system/cpu/online", text, sizeof(text)) < 0 ||
	    cpulist_parse(text, &online) < 0 || cpulist_count(&online) == 0)
		return false;
	return !cpulist_overlap(&cpus, &online);
}

static bool failure_is_frozen_long(const struct failure_look *look,
				   const struct partition_spec *spec, struct failure_watch *watch,
				   uint64_t now_usec)
{
	char path[PATH_MAX], text[256];

	if (cg_group_freezer(look->cg, spec->name, path, sizeof(path)) < 0 ||
	    strlen(path) + sizeof("/cgroup.events") > sizeof(path))
		return false;
	strcat(path, "/cgroup.events");
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0 || !strstr(text, "frozen 1")) {
		watch->frozen_usec = 0;
		return false;
	}
	if (!watch->frozen_usec)
		watch->frozen_usec = now_usec;
	return now_usec - watch->frozen_usec >= look->freeze_usec;
}

static const struct kind {
	const char *word;
	bool counts;
	bool (*is_so)(const struct failure_look *look, const struct partition_spec *spec,
		      struct failure_watch *watch, uint64_t now_usec);
} kinds[FAILURE_N_KINDS] = {
#define X(id, name, by_default, state)                                                             \
	[FAILURE_##id] = { .word = name, .counts = by_default, .is_so = state },
	FAILURE_KINDS(X)
#undef X
};

unsigned int failure_default_kinds(void)
{
	unsigned int bits = 0;

	for (size_t i = 0; i < FAILURE_N_KINDS; i++)
		bits |= kinds[i].counts ? FAILURE_BIT(i) : 0;
	return bits;
}

const char *failure_name(enum failure_kind kind)
{
	return kinds[kind].word;
}

int failure_parse(const char *word, enum failure_kind *ret)
{
	for (size_t i = 0; i < FAILURE_N_KINDS; i++) {
		if (!strcmp(kinds[i].word, word)) {
			*ret = (enum failure_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* --- what is noted ------------------------------------------------------------------------- */

int failure_notes_open(int dirfd, struct failure_notes **ret, struct vc_err *err)
{
	_cleanup_close_ int fd = trust_openat(dirfd, STATE_FAILURES, O_RDWR | O_CREAT, 0600);
	struct failure_notes *notes;
	void *map;
	int r;

	if (fd < 0)
		return err_sys(err, -fd, "cannot open " STATE_FAILURES);
	/* Memory that a full tmpfs lacks later would cause SIGBUS. */
	r = posix_fallocate(fd, 0, sizeof(struct layout));
	if (r > 0)
		return err_sys(err, r, "cannot allocate " STATE_FAILURES);
	map = mmap(NULL, sizeof(struct layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(err, errno, "cannot map " STATE_FAILURES);
	notes = calloc(1, sizeof(*notes));
	if (!notes) {
		munmap(map, sizeof(struct layout));
		return err_sys(err, ENOMEM, STATE_FAILURES);
	}
	notes->map = map;
	*ret = notes;
	return 0;
}

void failure_notes_free(struct failure_notes *notes)
{
	if (!notes)
		return;
	munmap(notes->map, sizeof(struct layout));
	free(notes);
}

static struct slot *failure_slot_of(const struct failure_notes *notes, uint32_t slot)
{
	return slot < PARTITIONS_MAX ? &notes->map->slots[slot] : NULL;
}

void failure_note(struct failure_notes *notes, uint32_t slot, enum failure_kind kind)
{
	struct slot *s = failure_slot_of(notes, slot);

	if (s)
		atomic_fetch_add(&s->happened[kind], 1);
}

void failure_note_at(int dirfd, uint32_t slot, enum failure_kind kind)
{
	struct failure_notes *notes;
	struct vc_err err;

	if (failure_notes_open(dirfd, &notes, &err) < 0) {
		log_warn("failure of a partition (%s): %s", failure_name(kind), err.text);
		return;
	}
	failure_note(notes, slot, kind);
	failure_notes_free(notes);
}

void failure_set_witness(struct failure_notes *notes, uint32_t slot, pid_t pid)
{
	struct slot *s = failure_slot_of(notes, slot);

	if (!s)
		return;
	/* One update at a time: two writers must not get the same number. */
	atomic_store(&s->witness, 0);
	atomic_store(&s->witness_pid, (uint32_t)pid);
	if (pid > 0)
		atomic_store(&s->witness, proc_identity(pid, NULL));
}

/* A check that fails for lack of a descriptor is not a death. */
static bool failure_is_gone(pid_t pid, uint64_t witness)
{
	uint64_t identity = proc_identity(pid, NULL);
	char state = 'S';

	if (identity)
		return identity != witness;
	return (kill(pid, 0) < 0 && errno == ESRCH) ||
	       (proc_look(pid, &state, NULL) == 0 && (state == 'Z' || state == 'X'));
}

pid_t failure_witness(struct failure_notes *notes, uint32_t slot)
{
	struct slot *s = failure_slot_of(notes, slot);
	uint64_t witness = s ? atomic_load(&s->witness) : 0;
	pid_t pid;

	if (!witness)
		return 0;
	pid = (pid_t)atomic_load(&s->witness_pid);
	if (!failure_is_gone(pid, witness))
		return pid;
	if (atomic_compare_exchange_strong(&s->witness, &witness, 0))
		failure_note(notes, slot, FAILURE_KILL);
	return 0;
}

/* --- who watches ---------------------------------------------------------------------------- */

/* Returns whether more failures are noted than at the last check. */
static bool failure_has_happened(const struct slot *s, struct failure_watch *watch,
				 enum failure_kind kind)
{
	uint32_t happened = atomic_load(&s->happened[kind]);
	bool more = happened != watch->seen[kind];

	watch->seen[kind] = happened;
	return more;
}

static void failure_begin(const struct slot *s, struct failure_watch *watch)
{
	for (size_t i = 0; !watch->begun && i < FAILURE_N_KINDS; i++)
		watch->seen[i] = atomic_load(&s->taken[i]);
	watch->begun = true;
}

unsigned int failure_since(const struct failure_look *look, const struct partition_spec *spec,
			   uint32_t slot, struct failure_watch *watch, uint64_t now_usec)
{
	const struct slot *s = failure_slot_of(look->notes, slot);
	unsigned int since = 0, so = 0;

	if (!s)
		return 0;
	failure_begin(s, watch);
	failure_witness(look->notes, slot);
	for (size_t i = 0; i < FAILURE_N_KINDS; i++) {
		if (kinds[i].is_so) {
			if (look->kinds & FAILURE_BIT(i) &&
			    kinds[i].is_so(look, spec, watch, now_usec))
				so |= FAILURE_BIT(i);
		} else if (failure_has_happened(s, watch, (enum failure_kind)i)) {
			since |= FAILURE_BIT(i);
		}
	}
	since |= so & ~watch->so;
	watch->so = so;
	return since & look->kinds;
}

void failure_taken(struct failure_notes *notes, uint32_t slot, const struct failure_watch *watch)
{
	struct slot *s = failure_slot_of(notes, slot);

	for (size_t i = 0; s && watch->begun && i < FAILURE_N_KINDS; i++)
		atomic_store(&s->taken[i], watch->seen[i]);
}
