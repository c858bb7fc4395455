## SPDX-License-Identifier: LGPL-2.1-or-later
## One file completes all commands; bash-completion looks for it under each one's name.

COMPLETED_ALSO = vcmove vcstat vcctl vcbench
EXTRA_DIST += completion/vcrun.bash
dist_check_SCRIPTS += tests/completion.sh
TESTS += tests/completion.sh

install-data-local: install-completion
uninstall-local: uninstall-completion

.PHONY: install-completion uninstall-completion
install-completion:
	$(MKDIR_P) "$(DESTDIR)$(BASH_COMPLETION_DIR)"
	$(INSTALL_DATA) "$(srcdir)/completion/vcrun.bash" "$(DESTDIR)$(BASH_COMPLETION_DIR)/vcrun"
	cd "$(DESTDIR)$(BASH_COMPLETION_DIR)" && for name in $(COMPLETED_ALSO); do \
		rm -f "$$name" && $(LN_S) vcrun "$$name" || exit 1; \
	done

uninstall-completion:
	cd "$(DESTDIR)$(BASH_COMPLETION_DIR)" 2>/dev/null || exit 0; \
	rm -f vcrun $(COMPLETED_ALSO)
