# 'vcctl check' recommends the script, which compiles the other.
dist_pkglibexec_SCRIPTS = setup/criu.sh
setupdir = $(pkglibexecdir)
dist_setup_DATA = setup/criu-probe.c
