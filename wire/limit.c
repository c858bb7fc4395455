// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * limit.c - how much work a frame may make
 *
 * A field takes two bytes of a frame, but costs its receiver an allocation and about a microsecond.
 * 8 MiB of such fields would keep a daemon busy for seconds. Therefore the fields are counted
 * before any of them is unpacked.
 */
#include "wire/limit.h"

#include <errno.h>
#include <stdbool.h>

#define LIMIT_FIELDS (256u << 10) /* most are arguments and environment of a program */
#define LIMIT_UNKNOWN 64          /* added by a newer sender */
#define LIMIT_DEPTH 8

struct limit {
	size_t n, n_unknown;
};

struct limit_span {
	const uint8_t *at, *end;
};

/* Returns false if the span ends in the number. */
static bool limit_varint(struct limit_span *span, uint64_t *ret)
{
	*ret = 0;
	for (unsigned int shift = 0; span->at < span->end && shift < 64; shift += 7) {
		uint8_t byte = *span->at++;

		*ret |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Skips a field's value. *ret: the content of a length-delimited one. */
static bool limit_value(struct limit_span *span, unsigned int type, struct limit_span *ret)
{
	uint64_t len;

	*ret = (struct limit_span){ .at = span->at, .end = span->at };
	switch (type) {
	case PROTOBUF_C_WIRE_TYPE_VARINT:
		return limit_varint(span, &len);
	case PROTOBUF_C_WIRE_TYPE_64BIT:
		len = 8;
		break;
	case PROTOBUF_C_WIRE_TYPE_32BIT:
		len = 4;
		break;
	case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
		if (!limit_varint(span, &len))
			return false;
		break;
	default:
		return false;
	}
	if (len > (uint64_t)(span->end - span->at))
		return false;
	*ret = (struct limit_span){ .at = span->at, .end = span->at + len };
	span->at += len;
	return true;
}

/* Malformed bytes end the walk without an error: unpacking fails at the same place. */
static int limit_walk(struct limit *limit, const ProtobufCMessageDescriptor *descriptor,
		      struct limit_span span, unsigned int depth)
{
	while (span.at < span.end) {
		const ProtobufCFieldDescriptor *field;
		struct limit_span value;
		uint64_t key;
		int r = 0;

		if (!limit_varint(&span, &key) || key >> 3 > UINT32_MAX ||
		    !limit_value(&span, key & 7, &value))
			return 0;
		field = protobuf_c_message_descriptor_get_field(descriptor, (unsigned)(key >> 3));
		if (++limit->n > LIMIT_FIELDS || (!field && ++limit->n_unknown > LIMIT_UNKNOWN))
			return -E2BIG;
		if (field && field->type == PROTOBUF_C_TYPE_MESSAGE && depth < LIMIT_DEPTH)
			r = limit_walk(limit, field->descriptor, value, depth + 1);
		/* One field can be a packed list of numbers. */
		else if (field && field->label == PROTOBUF_C_LABEL_REPEATED &&
			 field->type != PROTOBUF_C_TYPE_BYTES &&
			 field->type != PROTOBUF_C_TYPE_STRING)
			limit->n += (size_t)(value.end - value.at);
		if (r < 0)
			return r;
	}
	return 0;
}

int limit_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size,
		struct vc_err *err)
{
	struct limit_span span = { .at = data, .end = data + size };
	struct limit limit = { 0 };

	if (limit_walk(&limit, descriptor, span, 0) < 0 || limit.n > LIMIT_FIELDS)
		return err_set(err, EPROTO,
			       "a message of more than %u fields, or %d unknown ones: more than "
			       "allowed",
			       LIMIT_FIELDS, LIMIT_UNKNOWN);
	return 0;
}
