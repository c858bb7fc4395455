// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * devices.c - the devices are looked at once a second
 *
 * The owner's interrupts are sent back to its CPUs when they have gone elsewhere, or are
 * new; and what of others' nodes is denied to our jobs is brought up to date, when a
 * device has come with other numbers, or a partition has gone. No one event tells of all
 * that; a few small files do, and they are read only where devices are configured.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/daemon.h"
#include "daemon/part.h"
#include "daemon/sample.h"
#include "partition/change/reshape.h"
#include "partition/device/deny.h"
#include "partition/device/irq.h"

#define LOOK_SEC 1

struct devices {
	struct event *event;
	int root; /* "/" */
	struct irq_watch watch;
	bool had_any;  /* some partition has devices, or had at the last look */
	bool deny_bad; /* told already */
};

static bool devices_any(const struct config *config)
{
	for (size_t i = 0; i < config->n_parts; i++) {
		if (config->parts[i].devices || config->parts[i].shares)
			return true;
	}
	return false;
}

static void devices_deny(struct daemon *daemon)
{
	struct devices *devices = daemon->devices;
	const struct config *config = daemon->instance->config;
	bool any = devices_any(config);
	struct vc_err err;
	int r;

	if (!any && !devices->had_any)
		return;
	devices->had_any = any;
	r = deny_apply(daemon->cg, config, daemon->slot, &err);
	if (r < 0 && !devices->deny_bad)
		log_warn("%s", err.text);
	devices->deny_bad = r < 0;
}

static void devices_look(struct daemon *daemon)
{
	struct devices *devices = daemon->devices;
	const struct partition_spec *spec = &daemon->instance->config->parts[daemon->slot];
	size_t went;

	devices_deny(daemon);
	if (!spec->devices)
		return;
	went = irq_watch_look(devices->root, daemon->instance->dirfd, spec->devices, spec->cpus,
			      &devices->watch);
	if (went > 0)
		log_info("interrupts of devices sent to CPUs %s again: %zu", spec->cpus, went);
}

/* Not while somebody changes partitions, whose CPUs may be ahead of what we know. */
static void devices_on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *daemon = ctx;
	_cleanup_close_ int lock = -1;

	if (reshape_lock_hold_off(daemon->instance, &lock) < 0)
		return;
	sample_refresh(daemon);
	devices_look(daemon);
}

static int devices_start(struct daemon *daemon, struct vc_err *err)
{
	const struct timeval period = { .tv_sec = LOOK_SEC };
	struct devices *devices = calloc(1, sizeof(*devices));

	if (!devices)
		return err_sys(err, ENOMEM, "devices");
	daemon->devices = devices;
	devices->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	devices->event = event_new(daemon->base, -1, EV_PERSIST, devices_on_timer, daemon);
	if (devices->root < 0 || !devices->event)
		return err_sys(err, ENOMEM, "devices");
	devices_on_timer(-1, 0, daemon);
	event_add(devices->event, &period);
	return 0;
}

static void devices_stop(struct daemon *daemon)
{
	struct devices *devices = daemon->devices;

	if (!devices)
		return;
	if (devices->event)
		event_free(devices->event);
	closep(&devices->root);
	irq_watch_done(&devices->watch);
	free(devices);
	daemon->devices = NULL;
}

const struct part devices_part = { "devices", devices_start, devices_stop };
