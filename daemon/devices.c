// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * devices.c - checks the devices once a second
 *
 * Interrupts that have left the owner's CPUs, and new ones, are sent to them again. Nodes of other
 * partitions' devices are denied to this partition's jobs; that must follow new device numbers and
 * removed partitions. No event reports all of this. A few small files do, and they are read only if
 * devices are configured.
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

#define DEVICES_LOOK_SEC 1

struct devices {
	struct event *event;
	int root; /* "/" */
	struct irq_watch watch;
	bool had_any;  /* some partition had devices at the last look */
	bool deny_bad; /* the failure is logged already */
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

/* Does nothing while partitions are changed: their CPUs can be newer than instance.json. */
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
	const struct timeval period = { .tv_sec = DEVICES_LOOK_SEC };
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
