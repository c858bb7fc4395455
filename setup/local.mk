EXTRA_DIST += setup/criu.sh setup/criu-probe.c
