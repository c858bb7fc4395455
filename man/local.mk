## SPDX-License-Identifier: LGPL-2.1-or-later
## The pages. Those that name the places of this installation are made from a .in;
## vc-policy.3 and vcbench.1 are registered beside what they describe.

MADE_MANS = man/vcrun.conf.5 man/vcrun.7 man/vcctl.8 man/vcd.8 man/vcshim.8
dist_man_MANS += man/vcrun.1 man/vcmove.1 man/vcstat.1
man_MANS = $(MADE_MANS)
CLEANFILES += $(MADE_MANS)
EXTRA_DIST += man/vcrun.conf.5.in man/vcrun.7.in man/vcctl.8.in man/vcd.8.in man/vcshim.8.in
dist_check_SCRIPTS += tests/manpages.sh
TESTS += tests/manpages.sh

man/vcrun.conf.5: $(srcdir)/man/vcrun.conf.5.in
man/vcrun.7: $(srcdir)/man/vcrun.7.in
man/vcctl.8: $(srcdir)/man/vcctl.8.in
man/vcd.8: $(srcdir)/man/vcd.8.in
man/vcshim.8: $(srcdir)/man/vcshim.8.in
$(MADE_MANS): Makefile
	$(AM_V_GEN)$(MKDIR_P) man && sed \
		-e 's,@sysconfdir[@],$(sysconfdir),g' -e 's,@docdir[@],$(docdir),g' \
		-e 's,@libdir[@],$(libdir),g' -e 's,@pkglibdir[@],$(pkglibdir),g' \
		-e 's,@pkglibexecdir[@],$(pkglibexecdir),g' \
		$(srcdir)/$@.in >$@.new && mv $@.new $@
