## SPDX-License-Identifier: LGPL-2.1-or-later
## Documents, the example configuration, and the test that keeps JOURNEY.md true.

dist_doc_DATA = README.md docs/JOURNEY.md docs/glossary.md docs/DESIGN.md docs/CLAIMS.md docs/FAULTS.md docs/SECURITY.md \
	docs/BENCHMARKS.md docs/benchmarks.png \
	etc/vcrun.conf.example
dist_check_SCRIPTS += tests/journey.sh
TESTS += tests/journey.sh
