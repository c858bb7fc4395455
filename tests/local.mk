## SPDX-License-Identifier: LGPL-2.1-or-later
## End-to-end tests: shell, one behaviour each. Unit tests stand with what they test.

EXTRA_DIST += tests/lib.sh
end_to_end = \
	tests/up-down.sh
dist_check_SCRIPTS += $(end_to_end)
TESTS += $(end_to_end)
