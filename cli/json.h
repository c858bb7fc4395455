/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.h - partitions and jobs as JSON, the same in every command
 */
#ifndef VC_CLI_JSON_H
#define VC_CLI_JSON_H

#include <jansson.h>

#include "wire/vc.pb-c.h"

/* A string of bytes that need not be UTF-8. */
json_t *json_of_bytes(const char *data, size_t len);
json_t *json_of_partition(const Vc__Partition *partition);
json_t *json_of_job(const Vc__Job *job);
/* Prints json with a newline and frees it. */
void json_print(json_t *json);

#endif
