## SPDX-License-Identifier: LGPL-2.1-or-later
## Placement policies: the loader with the built-in one, a module each, the header
## and what else somebody needs to write one.

noinst_LTLIBRARIES += libpolicy.la libboard.la
libpolicy_la_SOURCES = policy/balance.c policy/balance.h policy/leastcpu.c policy/module.c \
	policy/module.h policy/vc-policy.h
libboard_la_SOURCES = policy/board.c policy/board.h

policyincludedir = $(includedir)/vcrun
policyinclude_HEADERS = policy/vc-policy.h
pkgconfig_DATA += policy/vcrun-policy.pc
dist_man_MANS += man/vc-policy.3
EXTRA_DIST += examples/policy/mine.c examples/policy/Makefile examples/policy/README.md

POLICY_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -export-symbols-regex '^vc_policy$$'

policy_LTLIBRARIES += \
	policy/leastcpu.la policy/leastmem.la policy/parent.la policy/notparent.la \
	policy/random.la policy/roundrobin.la policy/twochoices.la policy/joinidle.la \
	policy/cost.la
policy_leastcpu_la_SOURCES = policy/leastcpu.c
policy_leastcpu_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_leastmem_la_SOURCES = policy/leastmem.c
policy_leastmem_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_parent_la_SOURCES = policy/parent.c
policy_parent_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_notparent_la_SOURCES = policy/notparent.c
policy_notparent_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_random_la_SOURCES = policy/random.c
policy_random_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_roundrobin_la_SOURCES = policy/roundrobin.c
policy_roundrobin_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_twochoices_la_SOURCES = policy/twochoices.c
policy_twochoices_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_joinidle_la_SOURCES = policy/joinidle.c
policy_joinidle_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_cost_la_SOURCES = policy/cost.c
policy_cost_la_LDFLAGS = $(POLICY_LDFLAGS)
policy_cost_la_LIBADD = -lm

## Asks a policy for a decision; for tests/policy-example.sh.
check_PROGRAMS += tests/policy-ask
tests_policy_ask_SOURCES = tests/policy-ask.c
tests_policy_ask_LDADD = libpolicy.la libcommon.la
dist_check_SCRIPTS += tests/policy-example.sh
TESTS += tests/policy-example.sh

if HAVE_CMOCKA
## -rpath makes libtool build a shared module although it is never installed.
FAULTY_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere
check_LTLIBRARIES += \
	tests/policies/wrongapi.la tests/policies/toosmall.la tests/policies/toolarge.la \
	tests/policies/nosymbol.la tests/policies/notpolicy.la tests/policies/wrongname.la \
	tests/policies/noplace.la tests/policies/wild.la tests/policies/chosendown.la \
	tests/policies/nonefit.la tests/policies/older.la
tests_policies_wrongapi_la_SOURCES = tests/policies/wrongapi.c
tests_policies_wrongapi_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_toosmall_la_SOURCES = tests/policies/toosmall.c
tests_policies_toosmall_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_toolarge_la_SOURCES = tests/policies/toolarge.c
tests_policies_toolarge_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_nosymbol_la_SOURCES = tests/policies/nosymbol.c
tests_policies_nosymbol_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_notpolicy_la_SOURCES = tests/policies/notpolicy.c
tests_policies_notpolicy_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_wrongname_la_SOURCES = tests/policies/wrongname.c
tests_policies_wrongname_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_noplace_la_SOURCES = tests/policies/noplace.c
tests_policies_noplace_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_wild_la_SOURCES = tests/policies/wild.c
tests_policies_wild_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_chosendown_la_SOURCES = tests/policies/chosendown.c
tests_policies_chosendown_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_nonefit_la_SOURCES = tests/policies/nonefit.c
tests_policies_nonefit_la_LDFLAGS = $(FAULTY_LDFLAGS)
tests_policies_older_la_SOURCES = tests/policies/older.c
tests_policies_older_la_LDFLAGS = $(FAULTY_LDFLAGS)

check_PROGRAMS += tests/unit-policy tests/unit-policy-sim tests/unit-policy-load tests/unit-board \
	tests/unit-board-count tests/unit-board-file tests/unit-balance
TESTS += tests/unit-policy tests/unit-policy-sim tests/unit-policy-load tests/unit-board \
	tests/unit-board-count tests/unit-board-file tests/unit-balance
tests_unit_balance_SOURCES = tests/unit-balance.c
tests_unit_balance_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_balance_LDADD = libboard.la libpolicy.la libcommon.la $(CMOCKA_LIBS) -lm
tests_unit_policy_SOURCES = tests/unit-policy.c tests/policy-modules.h
tests_unit_policy_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_policy_LDADD = libpolicy.la libcommon.la $(CMOCKA_LIBS)
tests_unit_policy_sim_SOURCES = tests/unit-policy-sim.c tests/policy-modules.h
tests_unit_policy_sim_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_policy_sim_LDADD = libboard.la libpolicy.la libcommon.la $(CMOCKA_LIBS) -lm
tests_unit_policy_load_SOURCES = tests/unit-policy-load.c tests/policy-modules.h
tests_unit_policy_load_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_policy_load_LDADD = libpolicy.la libcommon.la $(CMOCKA_LIBS)
tests_unit_board_SOURCES = tests/unit-board.c tests/board-lib.h
tests_unit_board_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_board_LDADD = libboard.la libcommon.la $(CMOCKA_LIBS) -lm
tests_unit_board_count_SOURCES = tests/unit-board-count.c tests/board-lib.h
tests_unit_board_count_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_board_count_LDADD = libboard.la libcommon.la $(CMOCKA_LIBS) -lm
tests_unit_board_file_SOURCES = tests/unit-board-file.c tests/board-lib.h
tests_unit_board_file_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_unit_board_file_LDADD = libboard.la libcommon.la $(CMOCKA_LIBS) -lm
endif
